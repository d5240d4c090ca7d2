# How everything is compiled: one interface target instead of global flags.
option(PLUMB_WERROR "warnings are errors" OFF)
option(PLUMB_CHECKED "library assertions (_GLIBCXX_ASSERTIONS)" OFF)
option(PLUMB_FUZZ "build the libFuzzer targets (needs clang)" OFF)
option(PLUMB_LTO "link-time optimisation" OFF)
option(PLUMB_COVERAGE "gcov counters" OFF)
set(PLUMB_SANITIZE "" CACHE STRING "sanitizers, comma separated: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
if(PLUMB_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

add_library(plumb_options INTERFACE)
target_compile_options(plumb_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow;-Wnon-virtual-dtor>
  $<$<BOOL:${PLUMB_WERROR}>:-Werror>
  # libstdc++ 12's stable_sort calls a function that the same header declares deprecated
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  -fno-omit-frame-pointer)
target_compile_definitions(plumb_options INTERFACE $<$<BOOL:${PLUMB_CHECKED}>:_GLIBCXX_ASSERTIONS>)

if(PLUMB_SANITIZE)
  # Not vptr: that check asks the kernel through a pipe of its own whether an object is readable, and
  # calls every object broken in the tests that leave no descriptor free.
  target_compile_options(plumb_options INTERFACE
    -fsanitize=${PLUMB_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  target_link_options(plumb_options INTERFACE -fsanitize=${PLUMB_SANITIZE})
endif()
if(PLUMB_FUZZ)
  target_compile_options(plumb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PLUMB_COVERAGE)
  target_compile_options(plumb_options INTERFACE --coverage)
  target_link_options(plumb_options INTERFACE --coverage)
endif()
