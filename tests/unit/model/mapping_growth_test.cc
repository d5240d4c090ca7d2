// SPDX-License-Identifier: Apache-2.0
// Mappings by what is mapped.
#include "detect/model/mapping_growth.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

constexpr std::string_view kMaps =
    "55d0c0000000-55d0c0001000 r--p 00000000 fe:00 1234   /usr/bin/indexer\n"
    "7f0000000000-7f0000001000 r--p 00000000 fe:00 99     /srv/my index.db\n"
    "7f0000002000-7f0000004000 r--p 00000000 fe:00 99     /srv/my index.db\n"
    "7f0000010000-7f0000020000 rw-p 00000000 00:00 0 \n"
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0      [stack]\n"
    "no line of a map\n";

TEST(MappingGrowth, CountsByName) {
  const MappingCounts counts = count_mappings(kMaps);
  ASSERT_EQ(counts.size(), 4U);
  EXPECT_EQ(counts.at("/srv/my index.db").mappings, 2U);
  EXPECT_EQ(counts.at("/srv/my index.db").bytes, 0x3000U);
  EXPECT_EQ(counts.at("memory").bytes, 0x10000U);
  EXPECT_EQ(counts.at("[stack]").mappings, 1U);
}

TEST(MappingGrowth, TellsWhatHasBecomeMoreAndNotWhatIsNew) {
  const MappingCounts first{{"/a", {3, 4096}}, {"/b", {5, 4096}}, {"/c", {2, 4096}}};
  const MappingCounts now{
      {"/a", {9, 9 * 4096}}, {"/b", {5, 4096}}, {"/c", {40, 40 * 4096}}, {"/lib", {5, 4096}}};
  const MappingGrowth growth = growth_between(Pid{7}, first, now);
  EXPECT_EQ(growth.process, Pid{7});
  ASSERT_EQ(growth.rows.size(), 2U);
  EXPECT_EQ(growth.rows[0].name, "/c");
  EXPECT_EQ(growth.rows[0].first, 2U);
  EXPECT_EQ(growth.rows[0].now, 40U);
  EXPECT_EQ(growth.rows[1].name, "/a");
}

}  // namespace
}  // namespace plumb::detect
