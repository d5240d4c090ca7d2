// SPDX-License-Identifier: Apache-2.0
// Walks over small stacks of a table with two functions: main.main, whose frame is empty for 4
// bytes and then 32 bytes high, and runtime.goexit.
#include "detect/symbol/go_stack.h"

#include <gtest/gtest.h>

#include "bytes.h"
#include "detect/symbol/go_raw.h"
#include "detect/symbol/go_references.h"
#include "go_table_bytes.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kBias = 0x7f0000000000;
constexpr std::uint64_t kMain = kBias + kText;
constexpr std::uint64_t kGoexit = kMain + 0x40;
constexpr Address kStack{0xc000001000};

class GoStack : public testing::Test {
 protected:
  // The frame of a call to main.main that returns to `to`.
  static Bytes& frame(Bytes& bytes, std::uint64_t to, std::uint64_t saved_bp = 0) {
    return bytes.put(std::uint64_t{1})
        .put(std::uint64_t{2})
        .put(std::uint64_t{3})
        .put(saved_bp)
        .put(to);
  }
  GoWalk walk(const Bytes& stack, std::uint64_t pc) {
    return walk_go_stack(code_, stack.view(), Address{pc}, kStack, Address{});
  }

  std::optional<GoTable> table_ = GoTable::parse(go_table_bytes(k120), ElfAddress{});
  GoCode code_{*table_, kBias};
};

TEST_F(GoStack, FollowsHeightsToGoexit) {
  Bytes stack;
  frame(stack, kMain + 0x20);
  frame(stack, kGoexit + 1);
  const GoWalk found = walk(stack, kMain + 0x10);
  EXPECT_EQ(found.end, GoWalk::End::kWhole);
  EXPECT_EQ(found.lookups,
            (std::vector{Address{kMain + 0xf}, Address{kMain + 0x1f}, Address{kGoexit}}));
}

TEST_F(GoStack, AFunctionThatHasNotBegunIsLookedUpAtItsEntry) {
  const GoWalk found = walk(Bytes().put(kGoexit + 1), kMain);
  EXPECT_EQ(found.end, GoWalk::End::kWhole);
  EXPECT_EQ(found.lookups.front(), Address{kMain});
}

TEST_F(GoStack, SaysThatItNeedsMoreOfTheStack) {
  Bytes stack;
  frame(stack, kMain + 0x20);
  const GoWalk found = walk(stack, kMain + 0x10);
  EXPECT_EQ(found.end, GoWalk::End::kMore);
  EXPECT_EQ(found.lookups.size(), 2u);
}

TEST_F(GoStack, EndsAtWhatIsNoCode) {
  Bytes stack;
  frame(stack, 0xdeadbeef);
  const GoWalk found = walk(stack, kMain + 0x10);
  EXPECT_EQ(found.end, GoWalk::End::kLost);
  EXPECT_EQ(found.lookups.size(), 1u);
  EXPECT_TRUE(walk(stack, 0).lookups.empty());
}

TEST_F(GoStack, IsBoundedInDepth) {
  Bytes stack;
  for (std::size_t i = 0; i < kMostGoFrames + 10; ++i) frame(stack, kMain + 0x20);
  const GoWalk found = walk(stack, kMain + 0x20);
  EXPECT_EQ(found.end, GoWalk::End::kTooDeep);
  EXPECT_EQ(found.lookups.size(), kMostGoFrames);
}

TEST_F(GoStack, JudgesWhatCanBeAGoroutine) {
  RawGoroutine raw;
  raw.stack_lo = kStack;
  raw.stack_hi = kStack + 2048;
  raw.sp = kStack + 1024;
  raw.pc = Address{kMain + 8};
  raw.start_pc = Address{kMain};
  raw.id = 7;
  raw.status = 4 | 0x1000;  // waiting, looked at by the collector
  EXPECT_EQ(raw.state(), GoroutineState::kWaiting);
  EXPECT_TRUE(raw.parked());
  EXPECT_EQ(judge(raw, code_), Plausible::kYes);
  RawGoroutine other = raw;
  other.pc = Address{12345};
  EXPECT_EQ(judge(other, code_), Plausible::kNo) << "no code";
  other = raw;
  other.start_pc = Address{kMain + 1};
  EXPECT_EQ(judge(other, code_), Plausible::kNo) << "began in the middle of a function";
  other = raw;
  other.stack_hi = other.stack_lo;
  EXPECT_EQ(judge(other, code_), Plausible::kNo) << "no stack";
  other = raw;
  other.status = 77;
  EXPECT_EQ(judge(other, code_), Plausible::kNo) << "no state";
  other = raw;
  other.status = 6;
  EXPECT_EQ(judge(other, code_), Plausible::kIdle) << "dead";
  other = raw;
  other.sp = raw.sp - 8;
  EXPECT_FALSE(raw.same_place(other));
  other = raw;
  other.status = 4;
  EXPECT_TRUE(raw.same_place(other)) << "the collector does not move it";
}

TEST_F(GoStack, AGoroutineInASystemCallIsWalkedFromThere) {
  const GoLayout layout = go_layout({1, 19})->layout;
  std::vector<std::byte> bytes(layout.size());
  const auto set = [&](std::uint16_t at, std::uint64_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
  };
  set(layout.stack_lo, 0x1000);
  set(layout.stack_hi, 0x2000);
  set(layout.sp, 0x1100);
  set(layout.syscall_sp, 0x1200);
  set(layout.syscall_pc, kMain + 4);
  set(layout.status, 3);
  set(layout.id, 42);
  set(layout.go_pc, 77);
  const auto raw = decode_goroutine(bytes, layout);
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->state(), GoroutineState::kSyscall);
  EXPECT_EQ(raw->walk_sp(), Address{0x1200});
  EXPECT_EQ(raw->walk_pc(), Address{kMain + 4});
  EXPECT_EQ(raw->id, 42u);
  EXPECT_EQ(raw->go_pc, Address{77});
  bytes.pop_back();
  EXPECT_FALSE(decode_goroutine(bytes, layout));
}

TEST(GoReferences, AreFoundRelativeToTheNextInstruction) {
  // mov rax, [rip + 0x10], at 0x1000: the next instruction is at 0x1007.
  const Bytes code = Bytes().octets({0x48, 0x8b, 0x05, 0x10, 0, 0, 0});
  const auto found = rip_references(code.view(), Address{0x1000});
  EXPECT_NE(std::find(found.begin(), found.end(), Address{0x1017}), found.end());
  // cmp qword [rip - 0x20], 1: an immediate byte follows.
  const Bytes compare = Bytes().octets({0x48, 0x83, 0x3d, 0xe0, 0xff, 0xff, 0xff, 1});
  const auto below = rip_references(compare.view(), Address{0x1000});
  EXPECT_NE(std::find(below.begin(), below.end(), Address{0xfe8}), below.end());
  EXPECT_TRUE(rip_references(Bytes().octets({0x05, 1, 2}).view(), Address{0}).empty());
}

}  // namespace
}  // namespace plumb::detect
