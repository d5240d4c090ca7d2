// SPDX-License-Identifier: Apache-2.0
// Unwinds the test's own stack and compares with what the C++ runtime's unwinder says.
#include "detect/symbol/unwinder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "own_stack.h"

namespace plumb::detect {
namespace {

class UnwindOwnStack : public testing::Test {
 protected:
  ProcessView view() {
    auto opened = ProcessView::open(Pid{::getpid()}, access_, cache_);
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }
  ProcAccess access_;
  ModuleCache cache_;
};

TEST_F(UnwindOwnStack, AgreesWithTheRuntimeDownToTheOutermostFrame) {
  const Snapshot taken = deep(10, 12000);
  ProcessView process = view();
  const Unwound got = Unwinder().unwind(process, taken.registers, taken.stack);
  EXPECT_EQ(to_string(got.end), "outermost");
  ASSERT_EQ(got.frames.size(), taken.expected.size() + 1);
  for (std::size_t index = 0; index < taken.expected.size(); ++index) {
    EXPECT_EQ(got.frames[index + 1].ip, taken.expected[index]) << index;
    EXPECT_EQ(got.frames[index + 1].found_by, FoundBy::kUnwindTable);
  }
  EXPECT_GT(got.frames.size(), 15u);
}

TEST_F(UnwindOwnStack, SaysWhenTheCopyIsTooShort) {
  Snapshot taken = deep(10, 12000);
  taken.stack.resize(taken.stack.size() / 2);
  ProcessView process = view();
  const Unwound got = Unwinder().unwind(process, taken.registers, taken.stack);
  EXPECT_EQ(to_string(got.end), "stack cut");
  EXPECT_GE(got.frames.size(), 2u);
  EXPECT_LT(got.frames.size(), taken.expected.size() + 1);
}

TEST_F(UnwindOwnStack, StopsAtGarbageInsteadOfPrintingIt) {
  Snapshot taken = deep(3, 12000);
  std::fill(taken.stack.begin() + 64, taken.stack.end(), std::byte{0x41});
  ProcessView process = view();
  const Unwound got = Unwinder().unwind(process, taken.registers, taken.stack);
  EXPECT_EQ(to_string(got.end), "corrupt");
  EXPECT_EQ(got.frames.size(), 1u);
}

TEST_F(UnwindOwnStack, BoundsAStackThatLeadsInACircle) {
  Snapshot taken = deep(3, 12000);
  // Every word a return address into this program: a chain as long as the copy.
  const std::uint64_t address = number(taken.expected[0]);
  for (std::size_t at = 0; at + 8 <= taken.stack.size(); at += 8) {
    std::memcpy(taken.stack.data() + at, &address, sizeof(address));
  }
  ProcessView process = view();
  const Unwound got = Unwinder().unwind(process, taken.registers, taken.stack);
  EXPECT_LE(got.frames.size(), Unwinder::kMostFrames);
  EXPECT_NE(to_string(got.end), "outermost");
}

TEST_F(UnwindOwnStack, WithoutRegistersThereIsNothingToSay) {
  ProcessView process = view();
  const Unwound got = Unwinder().unwind(process, Registers{}, {});
  EXPECT_TRUE(got.frames.empty());
}

}  // namespace
}  // namespace plumb::detect
