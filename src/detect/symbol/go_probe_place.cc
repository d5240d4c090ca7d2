// SPDX-License-Identifier: Apache-2.0
// Recognising the stack check that Go's compiler puts before a function, and its calls.
#include "detect/symbol/go_probe_place.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace plumb::detect {
namespace {

bool begins(std::span<const std::byte> code, std::initializer_list<unsigned> with) {
  return code.size() >= with.size() &&
         std::equal(with.begin(), with.end(), code.begin(),
                    [](unsigned want, std::byte is) { return std::byte(want) == is; });
}

// How long the comparison of rsp, or of rsp less a large frame, with g.stackguard0 is.
std::size_t comparison(std::span<const std::byte> code) {
  if (begins(code, {0x49, 0x3b, 0x66, 0x10})) return 4;  // cmp rsp, [r14+16]
  std::size_t lea = 0;
  if (begins(code, {0x4c, 0x8d, 0x64, 0x24})) lea = 5;  // lea r12, [rsp+disp8]
  if (begins(code, {0x4c, 0x8d, 0xa4, 0x24})) lea = 8;  // lea r12, [rsp+disp32]
  if (lea == 0 || code.size() < lea) return 0;
  return begins(code.subspan(lea), {0x4d, 0x3b, 0x66, 0x10}) ? lea + 4 : 0;  // cmp r12, [r14+16]
}

}  // namespace

std::uint64_t go_probe_place(std::span<const std::byte> code) {
  const std::size_t length = comparison(code);
  if (length == 0) return 0;
  const auto jump = code.subspan(length);
  return begins(jump, {0x76}) || begins(jump, {0x0f, 0x86}) ? length : 0;  // jbe
}

std::vector<std::uint64_t> go_calls(const GoTable::Function& function,
                                    std::span<const std::byte> code, ElfAddress callee) {
  constexpr std::byte kCall{0xe8};  // and where to, from the next instruction on
  constexpr std::size_t kSize = 5;
  std::vector<std::uint64_t> found;
  for (std::size_t at = 0; at + kSize <= code.size(); ++at) {
    if (code[at] != kCall) continue;
    std::int32_t distance = 0;
    std::memcpy(&distance, code.data() + at + 1, sizeof distance);
    const std::uint64_t to =
        number(function.entry) + at + kSize + static_cast<std::uint64_t>(std::int64_t{distance});
    if (to == number(callee)) found.push_back(at);
  }
  return found;
}

}  // namespace plumb::detect
