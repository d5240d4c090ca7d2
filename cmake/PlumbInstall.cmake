# What `cmake --install` and the Debian packages contain: component tool (the command and what
# belongs to it) and component dev (the library: headers, archives, CMake package).
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/plumb)

install(TARGETS plumb RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)
install(TARGETS plumb_cast RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/plumb COMPONENT tool)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/man/" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool
  FILES_MATCHING PATTERN "*.1")
install(FILES "${PROJECT_SOURCE_DIR}/completions/plumb.bash"
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME plumb COMPONENT tool)

install(EXPORT plumb NAMESPACE plumb:: FILE plumb-targets.cmake DESTINATION ${package_folder} COMPONENT dev)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/plumb-config.cmake.in"
  "${PROJECT_BINARY_DIR}/plumb-config.cmake" INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/plumb-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/plumb-config.cmake" "${PROJECT_BINARY_DIR}/plumb-config-version.cmake"
  DESTINATION ${package_folder} COMPONENT dev)

include(PlumbPackage)
