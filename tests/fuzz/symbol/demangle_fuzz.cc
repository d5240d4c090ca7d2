// SPDX-License-Identifier: Apache-2.0
// Fuzzes the demanglers.
#include <cstdint>

#include "detect/symbol/demangle.h"
#include "detect/symbol/go_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  demangle(name);
  demangle("_R" + std::string(name));
  demangle("_ZN" + std::string(name));
  go_printed_name(name);
  return 0;
}
