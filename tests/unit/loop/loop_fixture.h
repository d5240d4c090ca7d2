// SPDX-License-Identifier: Apache-2.0
// What the tests of the loop share: a loop, and the demand that it owns nothing when a test ends.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>

#include "plumb/loop/loop.h"

namespace plumb::runtime {

class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    auto made = Loop::create();
    EXPECT_TRUE(made.ok());
    loop_ = *std::move(made);
  }
  void TearDown() override { EXPECT_EQ(loop_->census(), Census{}); }

  Loop& loop() { return *loop_; }

 private:
  std::unique_ptr<Loop> loop_;
};

}  // namespace plumb::runtime
