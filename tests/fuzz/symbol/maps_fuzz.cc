// SPDX-License-Identifier: Apache-2.0
// Fuzzes the parsing of /proc/PID/maps.
#include <cstdint>

#include "detect/symbol/maps.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const auto space = AddressSpace::parse({reinterpret_cast<const char*>(data), size});
  for (const Mapping& mapping : space.mappings()) {
    if (space.find(mapping.start) != &mapping) __builtin_trap();
  }
  return 0;
}
