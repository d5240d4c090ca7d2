// SPDX-License-Identifier: Apache-2.0
// Looking for calls in the first bytes of functions.
#include "detect/symbol/openssl_places.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/function_places.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kLookedAt = 64;  // bytes of a function: a call is in the first 30
constexpr std::byte kCall{0xe8};       // and where to, from the next instruction on
constexpr std::size_t kCallSize = 5;

// Of 64-bit registers: 50 to 57, or 41 and then these.
bool begins_with_push(std::span<const std::byte> code) {
  const auto plain = [](std::byte one) { return (one & std::byte{0xf8}) == std::byte{0x50}; };
  if (code.size() < 2) return false;
  return plain(code[0]) || (code[0] == std::byte{0x41} && plain(code[1]));
}

std::vector<std::uint64_t> callees(const ImageSource& image, std::uint64_t end,
                                   std::uint64_t function) {
  std::vector<std::uint64_t> found;
  std::array<std::byte, kLookedAt> code{};
  const std::size_t size = image.read(function, code);
  for (std::size_t at = 0; at + kCallSize <= size; ++at) {
    if (code[at] != kCall) continue;
    std::int32_t distance = 0;
    std::memcpy(&distance, code.data() + at + 1, sizeof distance);
    const std::uint64_t to =
        function + at + kCallSize + static_cast<std::uint64_t>(std::int64_t{distance});
    std::array<std::byte, 2> first{};
    if (to >= end || image.read(to, first) != first.size()) continue;
    if (begins_with_push(first)) found.push_back(to);
  }
  return found;
}

}  // namespace

std::optional<std::uint64_t> common_callee(const ImageSource& image, std::uint64_t end,
                                           std::uint64_t one, std::uint64_t other) {
  const auto of_one = callees(image, end, one);
  const auto of_other = callees(image, end, other);
  const auto found = std::ranges::find_first_of(of_one, of_other);
  if (found == of_one.end()) return std::nullopt;
  return *found;
}

std::optional<OpenSslPlaces> find_openssl(const std::string& path) {
  const auto image = FileImage::open(path);
  if (!image) return std::nullopt;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return std::nullopt;
  const std::array<std::string, 4> names = {"SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex"};
  const FunctionPlaces places = find_functions(**image, *elf, names);
  std::array<std::uint64_t, 4> at{};
  for (std::size_t n = 0; n < names.size(); ++n) {
    const auto known = places.offsets.find(names[n]);
    if (known == places.offsets.end()) return std::nullopt;
    at[n] = known->second;
  }
  const auto read = common_callee(**image, places.code_end, at[0], at[1]);
  const auto write = common_callee(**image, places.code_end, at[2], at[3]);
  if (!read || !write || *read == *write) return std::nullopt;
  return OpenSslPlaces{*read, *write};
}

}  // namespace plumb::detect
