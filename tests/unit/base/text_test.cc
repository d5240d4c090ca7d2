// SPDX-License-Identifier: Apache-2.0
#include "plumb/base/text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>

namespace plumb {
namespace {

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("42"), 42);
  EXPECT_EQ(parse_number<std::uint64_t>("ff", 16), 255u);
  EXPECT_EQ(parse_number<int>(""), std::nullopt);
  EXPECT_EQ(parse_number<int>("42 "), std::nullopt);
  EXPECT_EQ(parse_number<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint8_t>("256"), std::nullopt);
}

TEST(Text, IsTakenApartFromTheFront) {
  std::string_view rest = "pos:\t17\nflags: 02";
  EXPECT_EQ(take_until(rest, ':'), "pos");
  EXPECT_EQ(trim(take_until(rest, '\n')), "17");
  EXPECT_EQ(take_word(rest), "flags:");
  EXPECT_EQ(take_word(rest), "02");
  EXPECT_EQ(take_word(rest), "");
  EXPECT_EQ(take_until(rest, '\n'), "");
}

TEST(ReadFile, IsBoundedAndNamesThePathItFailedOn) {
  EXPECT_EQ(read_file("/proc/self/stat", 4).value().size(), 4u);
  const auto missing = read_file("/nonexistent", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_EQ(missing.error().object, "/nonexistent");
}

}  // namespace
}  // namespace plumb
