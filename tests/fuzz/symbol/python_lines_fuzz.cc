// SPDX-License-Identifier: Apache-2.0
// Fuzzes the walking of CPython location tables.
#include <cstdint>

#include "detect/symbol/python_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  for (std::uint64_t unit = 0; unit < 64; ++unit) python_line(bytes, 1, unit);
  return 0;
}
