// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of .gopclntab, with the tail of the input as inlining trees.
#include <cstdint>

#include "detect/symbol/go_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  auto table = GoTable::parse({bytes, bytes + size}, ElfAddress{0x401000});
  if (!table) return 0;
  table->use_inline_data({bytes + size / 2, bytes + size});
  for (std::uint64_t offset = 0; offset < 64; offset += 5) {
    const ElfAddress address{0x401000 + offset};
    table->frames(address);
    const auto function = table->find(address);
    if (function) table->height(*function, address);
  }
  return 0;
}
