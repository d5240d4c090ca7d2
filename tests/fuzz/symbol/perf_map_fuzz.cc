// SPDX-License-Identifier: Apache-2.0
// Fuzzes the parsing of perf maps.
#include <cstdint>

#include "detect/symbol/perf_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  PerfMap map;
  map.append({reinterpret_cast<const char*>(data), size / 2});
  map.append({reinterpret_cast<const char*>(data) + size / 2, size - size / 2});
  for (std::uint64_t address = 0xff0; address < 0x1100; address += 7) map.find(Address{address});
  return 0;
}
