// SPDX-License-Identifier: Apache-2.0
#include "detect/model/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(EditDistance, CountsEachSortOfSlipOnce) {
  EXPECT_EQ(edit_distance("tree", "tree", 3), 0u);
  EXPECT_EQ(edit_distance("tre", "tree", 3), 1u);
  EXPECT_EQ(edit_distance("treee", "tree", 3), 1u);
  EXPECT_EQ(edit_distance("trea", "tree", 3), 1u);
  EXPECT_EQ(edit_distance("rtee", "tree", 3), 1u);
  EXPECT_EQ(edit_distance("TREE", "tree", 3), 0u);
  EXPECT_EQ(edit_distance("", "abc", 3), 3u);
}

TEST(EditDistance, StopsAtItsBound) {
  EXPECT_EQ(edit_distance("abcdef", "uvwxyz", 2), 3u);
  EXPECT_EQ(edit_distance("a", "abcdefgh", 2), 3u);
}

TEST(Nearest, KeepsTheBestFewAndNoneTwice) {
  Nearest nearest("ngnix", 2);
  for (const char* name : {"nginx", "nginx", "ngnix2", "mgnxx", "redis"}) nearest.offer(name);
  EXPECT_THAT(nearest.take(), testing::ElementsAre("nginx", "ngnix2"));
}

}  // namespace
}  // namespace plumb::detect
