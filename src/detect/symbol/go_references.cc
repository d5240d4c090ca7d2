// SPDX-License-Identifier: Apache-2.0
// Finding rip-relative operands without a disassembler.
#include "detect/symbol/go_references.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace plumb::detect {

std::vector<Address> rip_references(std::span<const std::byte> code, Address at) {
  // Immediate operands stand behind the displacement and count: CMPL x(SB), $1.
  constexpr std::array<std::uint64_t, 4> kImmediates{0, 1, 2, 4};
  std::vector<Address> found;
  for (std::size_t index = 0; index + 5 <= code.size(); ++index) {
    const auto modrm = std::to_integer<unsigned>(code[index]);
    if ((modrm & 0xc7U) != 0x05) continue;  // mod 00, rm 101: disp32 from the next instruction
    std::int32_t displacement = 0;
    std::memcpy(&displacement, code.data() + index + 1, sizeof(displacement));
    for (const std::uint64_t immediate : kImmediates) {
      found.push_back(at + index + 5 + immediate +
                      static_cast<std::uint64_t>(std::int64_t{displacement}));
    }
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace plumb::detect
