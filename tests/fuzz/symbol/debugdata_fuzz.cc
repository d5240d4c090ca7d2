// SPDX-License-Identifier: Apache-2.0
// Fuzzes the unpacking of .gnu_debugdata.
#include <cstdint>

#include "detect/symbol/mini_debug.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)plumb::detect::unpack_xz(std::span(reinterpret_cast<const std::byte*>(data), size));
  return 0;
}
