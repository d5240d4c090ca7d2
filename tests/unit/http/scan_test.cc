// SPDX-License-Identifier: Apache-2.0
// The scanners in steps of 16 bytes find what a loop over single bytes finds: every byte, at every
// place, in texts of every length up to three steps.
#include "http/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace plumb::http {
namespace {

constexpr std::size_t kMostLength = 48;

// Where `scan` stops in a text of `length` bytes 'a' with `odd` at `place`, in memory of that size.
template <typename Scan>
std::size_t stop_of(Scan scan, std::size_t length, std::size_t place, char odd) {
  const std::unique_ptr<char[]> memory(new char[length]);
  std::fill_n(memory.get(), length, 'a');
  memory[place] = odd;
  return static_cast<std::size_t>(scan(memory.get(), memory.get() + length) - memory.get());
}

template <typename Scan, typename Allowed>
void compare(Scan scan, Allowed allowed) {
  for (int byte = 0; byte < 256; ++byte) {
    const char odd = static_cast<char>(byte);
    for (std::size_t length = 1; length <= kMostLength; ++length) {
      for (std::size_t place = 0; place < length; ++place) {
        const std::size_t expected = allowed(static_cast<unsigned char>(byte)) ? length : place;
        ASSERT_EQ(stop_of(scan, length, place, odd), expected)
            << "byte " << byte << " at " << place << " of " << length;
      }
    }
  }
}

TEST(Scan, ValuesEndAtControlBytes) {
  compare(scan::value_end, scan::is_value_byte);
}

TEST(Scan, TargetsEndAtBlanksControlsAndWhatIsNotAscii) {
  compare(scan::target_end, scan::is_target_byte);
}

TEST(Scan, NamesEndAtTheFirstByteThatIsNotOfAToken) {
  const auto is_token = [](unsigned char c) { return is_token_byte(static_cast<char>(c)); };
  compare(scan::name_end, is_token);
  compare(scan::token_end, is_token);
}

TEST(Scan, AnEmptyTextEndsAtOnce) {
  EXPECT_EQ(scan::value_end(nullptr, nullptr), nullptr);
  EXPECT_EQ(scan::target_end(nullptr, nullptr), nullptr);
  EXPECT_EQ(scan::name_end(nullptr, nullptr), nullptr);
}

}  // namespace
}  // namespace plumb::http
