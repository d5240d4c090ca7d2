// SPDX-License-Identifier: Apache-2.0
// Any text as the fdinfo of any kind: the first byte chooses the kind.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/source/fdinfo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  if (size == 0) return 0;
  const auto kinds = all_kinds();
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  parse_fdinfo(text);
  const auto kind = kinds[data[0] % kinds.size()];
  const auto detail = decode_fdinfo(kind, text);
  // Who says that nothing is to be found must find nothing.
  if (detail && !has_fdinfo_detail(kind)) __builtin_trap();
  return 0;
}
