// SPDX-License-Identifier: Apache-2.0
// Facts that a stranger's JSON gives: what is none of a type's is refused, and nothing is overrun.
#include "detect/record/fact_json.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using Address = std::array<std::uint8_t, 16>;

TEST(FactJsonTest, BytesComeBack) {
  Address written{};
  written.front() = 0xc0;
  written.back() = 0xff;
  Address read{};
  EXPECT_TRUE(from_fact(ReadJson(to_fact(written, nullptr)), read, nullptr));
  EXPECT_EQ(read, written);
}

TEST(FactJsonTest, FewerBytesAreFilledUpAndAbsentOnesAreZero) {
  Address read{};
  read.fill(7);
  EXPECT_TRUE(from_fact(ReadJson("c0ff"), read, nullptr));
  EXPECT_EQ(read, (Address{0xc0, 0xff}));
  EXPECT_TRUE(from_fact(ReadJson(), read, nullptr));
  EXPECT_EQ(read, Address{});
}

TEST(FactJsonTest, MoreBytesThanThereIsRoomForAreRefused) {
  Address read{};
  EXPECT_FALSE(from_fact(ReadJson(std::string(4096, 'a')), read, nullptr));
  EXPECT_EQ(read, Address{});
}

}  // namespace
}  // namespace plumb::detect
