# The kinds of test program. The targets unit_tests, runtime_tests and fuzz_targets build all of a
# kind, so that a sanitizer's build needs to build no more than it runs.
add_custom_target(unit_tests)
add_custom_target(runtime_tests)
add_custom_target(fuzz_targets)
set(PLUMB_RUNTIME_TESTS "${PROJECT_SOURCE_DIR}/tests/unit/runtime")

# plumb_unit_tests(NAME [USES folder...] [LIBRARIES target...] [WRAP symbol...])
#
# One test program per folder of tests/unit, of all *_test.cc in it, labelled "unit"; "unit.runtime"
# below tests/unit/runtime (one word, which -L unit and -L runtime both match). WRAP lists system calls that tests/support/failing_syscalls can make
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
  cmake_path(IS_PREFIX PLUMB_RUNTIME_TESTS "${CMAKE_CURRENT_SOURCE_DIR}" in_runtime)
  if(in_runtime)
    set(labels unit.runtime)
    add_dependencies(runtime_tests plumb_unit_${name})
  endif()
  gtest_discover_tests(plumb_unit_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${labels} TIMEOUT 120)
endfunction()

# plumb_fuzz_target(NAME [USES folder...] [LIBRARIES target...])
#
# The fuzz target of NAME_fuzz.cc, with its first inputs in seeds/NAME beside it. With PLUMB_FUZZ
# (preset fuzz) it is a libFuzzer program that ctest runs for one second, labelled "fuzz"; to run it
# longer, call build/fuzz/tests/fuzz/NAME_fuzz. Elsewhere it runs each seed once, as a unit test.
function(plumb_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  list(TRANSFORM arg_USES PREPEND plumb_)
  set(seeds "${CMAKE_CURRENT_SOURCE_DIR}/seeds/${name}")
  add_executable(${name}_fuzz ${name}_fuzz.cc)
  target_link_libraries(${name}_fuzz PRIVATE ${arg_USES} ${arg_LIBRARIES} plumb_options)
  if(PLUMB_FUZZ)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    set(found "${CMAKE_CURRENT_BINARY_DIR}/corpus/${name}")
    file(MAKE_DIRECTORY "${found}")
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz -max_total_time=1 -timeout=10 -rss_limit_mb=2048
      -print_final_stats=1 "${found}" "${seeds}")
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 60)
    add_dependencies(fuzz_targets ${name}_fuzz)
  else()
    target_sources(${name}_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/seeds_main.cc")
    add_test(NAME fuzz.${name}.seeds COMMAND ${name}_fuzz "${seeds}")
    set_tests_properties(fuzz.${name}.seeds PROPERTIES LABELS unit TIMEOUT 60)
    add_dependencies(unit_tests ${name}_fuzz)
  endif()
endfunction()

# plumb_script_test(NAME LABEL command...)
#
# A test that is a script: exit 0 passes, 77 after a line "skip: REASON" skips, anything else fails.
# It runs at the root of the repository.
function(plumb_script_test name label)
  add_test(NAME ${label}.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT 600 SKIP_RETURN_CODE 77)
endfunction()
