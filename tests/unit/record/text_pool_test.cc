// SPDX-License-Identifier: Apache-2.0
#include "detect/record/text_pool.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(TextPool, KeepsEqualNeighboursOnce) {
  TextPool pool;
  const TextRef first = pool.add("curl");
  EXPECT_EQ(pool.add("curl"), first);
  EXPECT_EQ(pool.size(), 4u);
  const TextRef other = pool.add("nvim");
  EXPECT_EQ(pool.at(first), "curl");
  EXPECT_EQ(pool.at(other), "nvim");
}

TEST(TextPool, TheDefaultIsEmpty) {
  TextPool pool;
  EXPECT_TRUE(pool.add("").empty());
  EXPECT_EQ(pool.at({}), "");
}

}  // namespace
}  // namespace plumb::detect
