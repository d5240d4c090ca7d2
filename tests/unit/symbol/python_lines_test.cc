// SPDX-License-Identifier: Apache-2.0
#include "detect/symbol/python_lines.h"

#include <gtest/gtest.h>

#include "bytes.h"

namespace plumb::detect {
namespace {

// code(kind, units): the head byte of an entry.
int head(int kind, int units) {
  return 0x80 | kind << 3 | (units - 1);
}

TEST(PythonLines, FollowsEveryKindOfEntry) {
  const auto table = Bytes()
                         .octets({head(11, 2), 4, 9})        // one line further
                         .octets({head(0, 1), 0x12})         // same line, short form
                         .octets({head(13, 3), 20})          // +10, no columns
                         .octets({head(14, 1), 5, 0, 1, 1})  // -2, long form
                         .octets({head(15, 2)})              // no location
                         .vector();
  EXPECT_EQ(python_line(table, 100, 0), 101u);
  EXPECT_EQ(python_line(table, 100, 1), 101u);
  EXPECT_EQ(python_line(table, 100, 2), 101u);
  EXPECT_EQ(python_line(table, 100, 5), 111u);
  EXPECT_EQ(python_line(table, 100, 6), 109u);
  EXPECT_EQ(python_line(table, 100, 7), std::nullopt);
  EXPECT_EQ(python_line(table, 100, 9), std::nullopt) << "behind the end";
}

TEST(PythonLines, SurvivesTornTables) {
  EXPECT_EQ(python_line(Bytes().octets({head(14, 1), 0x7f}).view(), 1, 0), std::nullopt);
  EXPECT_EQ(python_line({}, 1, 0), std::nullopt);
}

}  // namespace
}  // namespace plumb::detect
