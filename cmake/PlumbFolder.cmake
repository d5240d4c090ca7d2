# plumb_folder(NAME [USES folder...] [LIBRARIES target...])
#
# Makes the static library plumb_NAME of all *.cc beside the calling CMakeLists.txt. USES names the
# folders that it may include, in plumb's own words (base, record, …); LIBRARIES are other people's.
# The glob is deliberate: a folder is a target, so a file that is in the folder is in the target.
# A folder whose headers stand in include/plumb/NAME belongs to the installed library: it is
# exported as plumb::NAME, and each of those headers must compile by itself (rules.headers).
function(plumb_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/plumb/${name}/*.h")
  list(TRANSFORM arg_USES PREPEND plumb_)
  if(sources)
    set(visibility PUBLIC)
    add_library(plumb_${name} STATIC ${sources})
    target_link_libraries(plumb_${name} PRIVATE $<BUILD_INTERFACE:plumb_options>)
  else()
    set(visibility INTERFACE)
    add_library(plumb_${name} INTERFACE)
  endif()
  target_link_libraries(plumb_${name} ${visibility} ${arg_USES} ${arg_LIBRARIES})
  target_include_directories(plumb_${name} ${visibility}
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>")
  if(headers)
    plumb_export(${name} ${visibility} ${headers})
  endif()
endfunction()

# plumb_export(NAME VISIBILITY header...): makes plumb_NAME part of the installed library.
function(plumb_export name visibility)
  target_sources(plumb_${name} ${visibility}
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${ARGN})
  target_compile_features(plumb_${name} ${visibility} cxx_std_20)
  # An archive of link-time bytecode would serve only the very compiler that made it.
  set_target_properties(plumb_${name} PROPERTIES EXPORT_NAME ${name} INTERPROCEDURAL_OPTIMIZATION OFF)
  add_library(plumb::${name} ALIAS plumb_${name})
  install(TARGETS plumb_${name} EXPORT plumb
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
endfunction()
