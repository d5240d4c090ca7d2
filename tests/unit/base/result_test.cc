// SPDX-License-Identifier: Apache-2.0
#include "plumb/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace plumb {
namespace {

TEST(Result, HoldsAMoveOnlyValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result);
  EXPECT_EQ(*std::move(result).value(), 7);
}

TEST(Result, TellsWhatWasTriedOnWhatWhyAndWhatToDo) {
  const Result<int> result = fail("open", "/proc/1/fd", EACCES, "run as root");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "open /proc/1/fd: Permission denied (run as root)");
}

TEST(Result, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(fail("parse", "", 0).message(), "parse");
}

TEST(Result, OfVoidSucceedsByDefault) {
  EXPECT_TRUE(Result<void>());
  EXPECT_FALSE(Result<void>(fail("close", "", EIO)));
}

}  // namespace
}  // namespace plumb
