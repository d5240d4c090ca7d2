// SPDX-License-Identifier: Apache-2.0
// Comparing mappings with a process's map.
#include "detect/source/kind_mapping.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace plumb::detect {
namespace {

constexpr std::string_view kMaps =
    "00400000-00402000 r-xp 00000000 00:2b 1  /bin/true\n"
    "7f0000000000-7f0000004000 rw-p 00000000 00:00 0 \n"
    "7f0000004000-7f0000005000 ---p 00000000 00:00 0 \n"
    "nonsense\n"
    "7f0000008000-7f0000009000 rw-p 00000000 00:00 0 [anon:x]\n";

std::vector<CheckedResource> compared(std::vector<CheckedResource> rows) {
  compare_mappings(kMaps, rows);
  return rows;
}

TEST(KindMapping, WhatIsCutByMprotectIsWhole) {
  const auto rows = compared({{0x7f0000000000, 0x5000}});
  EXPECT_FALSE(rows[0].gone);
  EXPECT_EQ(rows[0].bytes, 0x5000U);
}

TEST(KindMapping, WhatIsMergedWithNeighboursIsItself) {
  const auto rows = compared({{0x7f0000001000, 0x1000}, {0x7f0000002000, 0x2000}});
  EXPECT_EQ(rows[0].bytes, 0x1000U);
  EXPECT_EQ(rows[1].bytes, 0x2000U);
}

TEST(KindMapping, AnEndThatWasGivenBackIsNotHeld) {
  const auto rows = compared({{0x7f0000004000, 0x3000}, {0x7f0000008000, 0x1000}});
  EXPECT_EQ(rows[0].bytes, 0x1000U);
  EXPECT_EQ(rows[1].bytes, 0x1000U);
}

TEST(KindMapping, ARowEndsWhereTheNextBegins) {
  const auto rows = compared({{0x7f0000000000, 0x4000}, {0x7f0000001000, 0x3000}});
  EXPECT_EQ(rows[0].bytes, 0x1000U);
  EXPECT_EQ(rows[1].bytes, 0x3000U);
}

TEST(KindMapping, WhatIsNowhereIsGone) {
  const auto rows = compared({{0x1000, 0x1000}, {0x7f0000006000, 0x2000}, {~0ULL - 0xfff, 0x9000}});
  for (const CheckedResource& row : rows) EXPECT_TRUE(row.gone) << row.identity;
}

TEST(KindMapping, AProcessThatIsGoneIsNotConcludedFrom) {
  std::vector<CheckedResource> rows{{0x1000, 0x1000}};
  EXPECT_FALSE(check_mappings(Pid{0x7ffffff0}, rows));
  EXPECT_FALSE(rows[0].gone);
  EXPECT_TRUE(check_mappings(Pid{::getpid()}, rows));
  EXPECT_TRUE(rows[0].gone);
}

}  // namespace
}  // namespace plumb::detect
