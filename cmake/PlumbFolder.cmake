# plumb_folder(NAME [USES target...] [LIBRARIES target...])
#
# Makes the static library plumb_NAME of all *.cc beside the calling CMakeLists.txt. USES names the
# folders that it may include, in plumb's own words (base, record, …); LIBRARIES are other people's.
# The glob is deliberate: a folder is a target, so a file that is in the folder is in the target.
function(plumb_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(TRANSFORM arg_USES PREPEND plumb_)
  if(sources)
    add_library(plumb_${name} STATIC ${sources})
    target_link_libraries(plumb_${name} PUBLIC ${arg_USES} ${arg_LIBRARIES} PRIVATE plumb_options)
    target_include_directories(plumb_${name} PUBLIC
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  else()
    add_library(plumb_${name} INTERFACE)
    target_link_libraries(plumb_${name} INTERFACE ${arg_USES} ${arg_LIBRARIES})
    target_include_directories(plumb_${name} INTERFACE
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  endif()
endfunction()

# plumb_unit_tests(NAME [USES folder...] [LIBRARIES target...] [WRAP symbol...])
#
# One test program per folder of tests/unit, of all *.cc in it, labelled "unit". WRAP lists system
# calls that tests/support/failing_syscalls can make fail (ld --wrap).
function(plumb_unit_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES;WRAP")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  list(TRANSFORM arg_USES PREPEND plumb_)
  add_executable(plumb_unit_${name} ${sources})
  target_link_libraries(plumb_unit_${name} PRIVATE
    plumb_${name} ${arg_USES} ${arg_LIBRARIES} plumb_test_support plumb_options)
  list(TRANSFORM arg_WRAP PREPEND "-Wl,--wrap=")
  target_link_options(plumb_unit_${name} PRIVATE ${arg_WRAP})
  gtest_discover_tests(plumb_unit_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
