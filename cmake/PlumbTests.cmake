# The kinds of test program. The targets unit_tests, runtime_tests and plumb_fuzz build all of a
# kind, so that a sanitizer's build needs to build no more than it runs.
add_custom_target(unit_tests)
add_custom_target(runtime_tests)
add_custom_target(plumb_fuzz)

# plumb_unit_tests(NAME [USES folder...] [LIBRARIES target...] [WRAP symbol...])
#
# One test program per folder of tests/unit, of all *_test.cc in it, labelled "unit"; or
# "unit.runtime" where it tests a folder of src/runtime (one word, which -L unit and -L runtime match). WRAP lists system calls that tests/support/failing_syscalls can make
# fail (ld --wrap).
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
  add_dependencies(unit_tests plumb_unit_${name})
  set(labels unit)
  set(runtime "${PROJECT_SOURCE_DIR}/src/runtime")
  get_target_property(tested plumb_${name} SOURCE_DIR)
  cmake_path(IS_PREFIX runtime "${tested}" in_runtime)
  if(in_runtime)
    set(labels unit.runtime)
    add_dependencies(runtime_tests plumb_unit_${name})
  endif()
  gtest_discover_tests(plumb_unit_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${labels} TIMEOUT 120)
endfunction()

# plumb_fuzz_target(NAME SOURCES file... [USES folder...] [LIBRARIES target...] [MAX_LENGTH bytes])
#
# The program plumb_fuzz_NAME, with its first inputs in seeds/NAME beside the calling CMakeLists.txt.
# With PLUMB_FUZZ (preset fuzz) it is a libFuzzer program that ctest runs for one second, labelled
# "fuzz"; what it finds goes to the build directory, never into the tree. Elsewhere it runs each seed
# once, as a unit test. MAX_LENGTH bounds an input (default 4096): deep rather than long.
function(plumb_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MAX_LENGTH" "SOURCES;USES;LIBRARIES")
  if(NOT arg_MAX_LENGTH)
    set(arg_MAX_LENGTH 4096)
  endif()
  list(TRANSFORM arg_USES PREPEND plumb_)
  set(seeds "${CMAKE_CURRENT_SOURCE_DIR}/seeds/${name}")
  add_executable(plumb_fuzz_${name} ${arg_SOURCES})
  target_link_libraries(plumb_fuzz_${name} PRIVATE ${arg_USES} ${arg_LIBRARIES} plumb_options)
  if(PLUMB_FUZZ)
    target_link_options(plumb_fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(corpus "${CMAKE_CURRENT_BINARY_DIR}/corpus/${name}")
    file(MAKE_DIRECTORY "${corpus}")
    add_test(NAME fuzz.${name} COMMAND plumb_fuzz_${name} -max_total_time=1 -timeout=10
      -rss_limit_mb=2048 -max_len=${arg_MAX_LENGTH} -artifact_prefix=${corpus}- -print_final_stats=1
      "${corpus}" "${seeds}")
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 60)
    add_dependencies(plumb_fuzz plumb_fuzz_${name})
  else()
    target_sources(plumb_fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/seeds_main.cc")
    add_test(NAME seeds.${name} COMMAND plumb_fuzz_${name} "${seeds}")
    set_tests_properties(seeds.${name} PROPERTIES LABELS unit TIMEOUT 60)
    add_dependencies(unit_tests plumb_fuzz_${name})
  endif()
endfunction()

# plumb_script_test(NAME LABEL command...)
#
# A test that is a script: exit 0 passes, 77 after a line "skip: REASON" skips, anything else fails.
# It runs at the root of the repository, with the paths of plumb and plumb_factory in PLUMB and
# PLUMB_FACTORY.
function(plumb_script_test name label)
  add_test(NAME ${label}.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT 600 SKIP_RETURN_CODE 77
    ENVIRONMENT "PLUMB=$<TARGET_FILE:plumb>;PLUMB_FACTORY=$<TARGET_FILE:plumb_factory>")
endfunction()
