// SPDX-License-Identifier: Apache-2.0
// Lines of a process's map.
#include "detect/source/map_line.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(MapLine, AFileAndItsRights) {
  const auto line = parse_map_line("00400000-00402000 r-xp 00001000 fe:01 42    /usr/bin/a b");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->begin, 0x400000U);
  EXPECT_EQ(line->end, 0x402000U);
  EXPECT_TRUE(line->readable);
  EXPECT_FALSE(line->writable);
  EXPECT_FALSE(line->shared);
  EXPECT_EQ(line->path, "/usr/bin/a b");
}

TEST(MapLine, AnonymousAndShared) {
  const auto line = parse_map_line("7f0000000000-7f0000004000 rw-s 00000000 00:00 0 ");
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->writable);
  EXPECT_TRUE(line->shared);
  EXPECT_EQ(line->path, "");
}

TEST(MapLine, WhatIsNoneIsNone) {
  for (const char* text : {"", "nonsense", "7f00-", "7f00-7e00 rw-p 0 0 0", "7f00-7f00 r", "-"}) {
    EXPECT_FALSE(parse_map_line(text)) << text;
  }
}

TEST(MapLine, OneThatIsCutShortHasWhatItHas) {
  const auto line = parse_map_line("1000-2000");
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->readable);
}

}  // namespace
}  // namespace plumb::detect
