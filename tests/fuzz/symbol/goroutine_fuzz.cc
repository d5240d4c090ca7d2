// SPDX-License-Identifier: Apache-2.0
// Fuzzes what is read of goroutines: structures, stacks and code. The input is a table of functions
// up to its middle, then the target's memory.
#include <cstdint>

#include "detect/symbol/go_raw.h"
#include "detect/symbol/go_references.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::span all(reinterpret_cast<const std::byte*>(data), size);
  const auto memory = all.subspan(size / 2);
  rip_references(memory, Address{0x400000});
  parse_go_version({reinterpret_cast<const char*>(memory.data()), memory.size()});
  const auto table = GoTable::parse(
      {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size / 2)}, ElfAddress{0x401000});
  if (!table) return 0;
  GoCode code(*table, 0);
  for (const KnownLayout& known : known_go_layouts()) {
    const auto raw = decode_goroutine(memory, known.layout);
    if (!raw) continue;
    judge(*raw, code);
    walk_go_stack(code, memory, raw->walk_pc(), raw->walk_sp(), raw->bp);
  }
  for (std::uint64_t at = 0; at < 64; at += 7) {
    walk_go_stack(code, memory, Address{0x401000 + at}, Address{0xc000000000},
                  Address{0xc000000008});
  }
  return 0;
}
