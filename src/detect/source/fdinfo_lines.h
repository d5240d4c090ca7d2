// SPDX-License-Identifier: Apache-2.0
// How the kinds' parsers take an fdinfo apart: lines of "key: value", and lines of "key:value"
// words. For fdinfo_*.cc alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plumb/base/text.h"

namespace plumb::detect {

// The value after "KEY:" at the start of `line`, without blanks; nothing where the line has another
// key.
std::optional<std::string_view> value_of(std::string_view line, std::string_view key);

// The number after "KEY:" at the start of any line of `text`; the first line with that key counts.
template <typename Integer>
std::optional<Integer> number_of(std::string_view text, std::string_view key, int base = 10) {
  while (!text.empty()) {
    if (const auto value = value_of(take_until(text, '\n'), key)) {
      return parse_number<Integer>(*value, base);
    }
  }
  return std::nullopt;
}

// The number in the word "KEY:NUMBER" of `line`, whatever stands between the words; blanks may
// follow the colon, as the kernel pads ("tfd:        4 events:       1f").
std::optional<std::uint64_t> word_of(std::string_view line, std::string_view key, int base);

// A device number as the kernel prints its own dev_t, "sdev:" in hexadecimal: 12 bits of major
// above 20 bits of minor.
constexpr std::uint32_t kernel_major(std::uint64_t device) {
  return static_cast<std::uint32_t>(device >> 20) & 0xfff;
}
constexpr std::uint32_t kernel_minor(std::uint64_t device) {
  return static_cast<std::uint32_t>(device) & 0xfffff;
}

}  // namespace plumb::detect
