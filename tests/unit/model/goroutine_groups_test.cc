// SPDX-License-Identifier: Apache-2.0
// Goroutines at one place become one group.
#include "detect/model/goroutine_groups.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

class Groups : public testing::Test {
 protected:
  StackNode stack(const char* function) {
    Frame frame;
    frame.function = function;
    const FrameId id = snapshot_.stacks.intern(frame);
    return snapshot_.stacks.add(std::span(&id, 1));
  }
  Goroutine& add(const char* function) {
    Goroutine one;
    one.id = GoroutineId{snapshot_.goroutines.size() + 1};
    one.state = GoroutineState::kWaiting;
    one.stack = stack(function);
    snapshot_.goroutines.push_back(one);
    return snapshot_.goroutines.back();
  }

  GoroutineSnapshot snapshot_;
};

TEST_F(Groups, TheLargestIsFirst) {
  add("a");
  add("b").waited = 5s;
  add("b").waited = 2s;
  add("b");
  const auto groups = group_goroutines(snapshot_, SystemGoroutines::kKeep);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].members, (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_EQ(groups[0].longest, 5s);
  EXPECT_EQ(groups[0].shortest, 2s);
  EXPECT_FALSE(groups[1].longest) << "never stamped";
}

TEST_F(Groups, CountWhatTheirMembersDoAndWhereTheyComeFrom) {
  add("a").creator = stack("x");
  add("a").creator = stack("y");
  add("a").creator = stack("y");
  snapshot_.goroutines[1].reason = 2;
  snapshot_.goroutines[2].reason = 2;
  const auto groups = group_goroutines(snapshot_, SystemGoroutines::kKeep);
  ASSERT_EQ(groups.size(), 1u);
  ASSERT_EQ(groups[0].whys.size(), 2u);
  EXPECT_EQ(groups[0].whys[0].reason, 2);
  EXPECT_EQ(groups[0].whys[0].count, 2u);
  ASSERT_EQ(groups[0].creators.size(), 2u);
  EXPECT_EQ(groups[0].creators[0].stack, stack("y"));
}

TEST_F(Groups, TheRuntimesOwnAreLeftOutUnlessAskedFor) {
  add("a");
  add("b").system = true;
  EXPECT_EQ(group_goroutines(snapshot_, SystemGoroutines::kLeaveOut).size(), 1u);
  EXPECT_EQ(group_goroutines(snapshot_, SystemGoroutines::kKeep).size(), 2u);
}

TEST_F(Groups, WhatWasNotWalkedIsNoGroupWithWhatWas) {
  add("a");
  add("a").read = GoroutineStack::kRunning;
  EXPECT_EQ(group_goroutines(snapshot_, SystemGoroutines::kKeep).size(), 2u);
}

}  // namespace
}  // namespace plumb::detect
