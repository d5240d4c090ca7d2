# Run by cpack between staging and packing: adds what Debian's policy wants in every package
# (changelog, copyright, lintian overrides), compresses man pages, and strips the archives of debug
# information, which strip does not do for static libraries by itself.
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
set(debian "${root}/packaging/debian")

function(compressed from to)
  execute_process(COMMAND gzip -9nc "${from}" OUTPUT_FILE "${to}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(component IN ITEMS tool dev)
  string(TOUPPER ${component} variable)
  set(package ${CPACK_DEBIAN_${variable}_PACKAGE_NAME})
  set(usr "${CPACK_TEMPORARY_DIRECTORY}/${component}/usr")
  set(documents "${usr}/share/doc/${package}")

  file(COPY "${debian}/copyright" DESTINATION "${documents}"
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  compressed("${root}/CHANGELOG.md" "${documents}/changelog.gz")
  compressed("${debian}/changelog" "${documents}/changelog.Debian.gz")
  configure_file("${debian}/${package}.lintian-overrides"
    "${usr}/share/lintian/overrides/${package}" COPYONLY)

  file(GLOB pages "${usr}/share/man/man*/*.[0-9]")
  foreach(page IN LISTS pages)
    compressed("${page}" "${page}.gz")
    file(REMOVE "${page}")
  endforeach()

  file(GLOB_RECURSE archives "${usr}/lib/*.a")
  foreach(archive IN LISTS archives)
    execute_process(COMMAND strip --strip-debug --enable-deterministic-archives "${archive}"
      COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()
