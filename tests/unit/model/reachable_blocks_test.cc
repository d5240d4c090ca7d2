// SPDX-License-Identifier: Apache-2.0
// What memory leads to.
#include "detect/model/reachable_blocks.h"

#include <gtest/gtest.h>

#include <vector>

namespace plumb::detect {
namespace {

using Words = std::vector<std::uint64_t>;

// Three blocks of 64 bytes; globals stand at 0x100.
class Reachable : public testing::Test {
 protected:
  static constexpr std::uint64_t kFirst = 0x1000;
  static constexpr std::uint64_t kSecond = 0x1040;
  static constexpr std::uint64_t kThird = 0x2000;

  using Fate = ReachableBlocks::Fate;
  bool reaches(std::uint64_t block) { return blocks_.fate(block) == Fate::kReachable; }
  std::vector<bool> reached() { return {reaches(kFirst), reaches(kSecond), reaches(kThird)}; }

  ReachableBlocks blocks_{{{kThird, kThird + 64}, {kFirst, kFirst + 64}, {kSecond, kSecond + 64}}};
};

TEST_F(Reachable, WithoutAWordAllAreLost) {
  blocks_.words(0x100, Words{0, 7, kFirst - 1, kSecond + 64, ~std::uint64_t{0}});
  EXPECT_EQ(reached(), (std::vector{false, false, false}));
}

TEST_F(Reachable, AWordOutsideKeepsABlockAlsoByItsMiddle) {
  blocks_.words(0x100, Words{kFirst, kThird + 63});
  EXPECT_EQ(reached(), (std::vector{true, false, true}));
}

TEST_F(Reachable, ARegisterKeepsABlock) {
  blocks_.root(kSecond + 8);
  EXPECT_EQ(reached(), (std::vector{false, true, false}));
}

TEST_F(Reachable, AChainIsKeptByItsHead) {
  blocks_.words(kThird, Words{kSecond});
  blocks_.words(kFirst, Words{0, 0, kThird});
  blocks_.words(0x100, Words{kFirst});
  EXPECT_EQ(reached(), (std::vector{true, true, true}));
}

TEST_F(Reachable, ALostRingIsLostAndSoIsWhatNamesItself) {
  blocks_.words(kFirst, Words{kSecond});
  blocks_.words(kSecond, Words{kFirst});
  blocks_.words(kThird, Words{kThird});
  EXPECT_EQ(reached(), (std::vector{false, false, false}));
}

TEST_F(Reachable, OfALostTreeTheHeadIsToldWithWhatIsWithinIt) {
  blocks_.words(kThird, Words{kFirst, kSecond});
  EXPECT_EQ(blocks_.fate(kThird), Fate::kHead);
  EXPECT_EQ(blocks_.fate(kFirst), Fate::kWithin);
  EXPECT_EQ(blocks_.within(kThird).blocks, 2U);
  EXPECT_EQ(blocks_.within(kThird).bytes, 128U);
  EXPECT_EQ(blocks_.within(kFirst).blocks, 0U);
}

TEST_F(Reachable, OfALostRingTheFirstIsTheHeadUnlessOneOutsideLeadsToIt) {
  blocks_.words(kFirst, Words{kSecond});
  blocks_.words(kSecond, Words{kFirst});
  EXPECT_EQ(blocks_.fate(kFirst), Fate::kHead);
  EXPECT_EQ(blocks_.fate(kSecond), Fate::kWithin);
  EXPECT_EQ(blocks_.fate(kThird), Fate::kHead);
  blocks_.words(kThird, Words{kSecond});
  EXPECT_EQ(blocks_.fate(kFirst), Fate::kWithin);
  EXPECT_EQ(blocks_.within(kThird).blocks, 2U);
}

TEST_F(Reachable, WhatAReachableBlockLedToIsWithinNoLostOne) {
  blocks_.words(kFirst, Words{kSecond});
  blocks_.words(kThird, Words{kSecond});
  blocks_.words(0x100, Words{kFirst});
  EXPECT_EQ(reached(), (std::vector{true, true, false}));
  EXPECT_EQ(blocks_.within(kThird).blocks, 0U);
}

TEST_F(Reachable, WordsThatComeAfterAQuestionCount) {
  EXPECT_FALSE(reaches(kFirst));
  blocks_.words(0x100, Words{kFirst});
  EXPECT_TRUE(reaches(kFirst));
}

TEST(ReachableBlocks, OverlappingOnesEndWhereTheNextBegins) {
  ReachableBlocks blocks({{0x1000, 0x3000}, {0x2000, 0x3000}});
  blocks.root(0x2800);
  EXPECT_EQ(blocks.fate(0x1000), ReachableBlocks::Fate::kHead);
  EXPECT_EQ(blocks.fate(0x2000), ReachableBlocks::Fate::kReachable);
}

TEST(ReachableBlocks, WhatIsNoBlockIsNotLost) {
  ReachableBlocks none({});
  none.root(0x1000);
  EXPECT_EQ(none.fate(0x1000), ReachableBlocks::Fate::kReachable);
}

}  // namespace
}  // namespace plumb::detect
