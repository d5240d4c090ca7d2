// SPDX-License-Identifier: Apache-2.0
// Where an allocation function is and which of its arguments say what. Of one process: a probe on
// the C library's malloc would be met by every program of the machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "plumb/base/ids.h"

namespace plumb::detect {

// Arguments are numbered from 1; 0 means none.
struct HeapFunction {
  std::string_view name;
  unsigned size = 0;
  unsigned times = 0;  // a second factor of the size
  unsigned old = 0;    // the block that it frees
  bool into = false;   // the block goes to where the first argument points; returns 0 then
};

// Those of the C library, jemalloc, mimalloc, tcmalloc and C++.
std::span<const HeapFunction> heap_functions();

struct HeapPlace {
  Pid process{};
  std::string path;  // of the file, as it can be opened from here
  std::uint64_t offset = 0;
  HeapFunction function;
  std::uint64_t pages_before = 0;  // as in PairPlace
  std::uint64_t pages_after = 0;
};

}  // namespace plumb::detect
