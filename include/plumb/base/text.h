// SPDX-License-Identifier: Apache-2.0
// Bounded reading of small text files and pure helpers to take text apart. No helper allocates;
// the views point into the caller's text.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb {

// The whole text as a number, or nothing: no sign for unsigned types, no blanks, no overflow.
template <typename Integer>
std::optional<Integer> parse_number(std::string_view text, int base = 10) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text);

// Takes the text before the next `separator` off the front of `rest`; all of it where there is
// none.
std::string_view take_until(std::string_view& rest, char separator);

// Takes the next word (blanks and tabs separate) off the front of `rest`; empty at the end.
std::string_view take_word(std::string_view& rest);

// Reads at most `limit` bytes of a file; more is cut, not an error. Errors: of open and read.
Result<std::string> read_file(const std::string& path, std::size_t limit);
Result<std::string> read_file_at(const UniqueFd& directory, const std::string& path,
                                 std::size_t limit);

}  // namespace plumb
