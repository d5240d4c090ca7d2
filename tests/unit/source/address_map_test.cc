// SPDX-License-Identifier: Apache-2.0
// Addresses keep their first index, however many there are.
#include "detect/source/address_map.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

// Objects of a slab stand 1,088 bytes apart, as unix sockets do.
constexpr std::uint64_t kFirst = 0xffff'8881'0000'0000, kStep = 1088;

TEST(AddressMap, KeepsTheFirstIndex) {
  AddressMap map;
  EXPECT_FALSE(map.find(kFirst));
  EXPECT_EQ(map.insert(kFirst, 7), std::pair(7u, true));
  EXPECT_EQ(map.insert(kFirst, 8), std::pair(7u, false));
  EXPECT_EQ(map.find(kFirst), 7u);
  EXPECT_FALSE(map.find(kFirst + 1));
}

TEST(AddressMap, GrowsWithoutForgetting) {
  AddressMap map;
  constexpr std::uint32_t kMany = 100'000;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    if (i == kMany / 2) map.reserve(2 * kMany);
    ASSERT_TRUE(map.insert(kFirst + i * kStep, i).second);
  }
  for (std::uint32_t i = 0; i < kMany; ++i) ASSERT_EQ(map.find(kFirst + i * kStep), i);
  EXPECT_FALSE(map.find(kFirst + kMany * kStep));
}

}  // namespace
}  // namespace plumb::detect
