// SPDX-License-Identifier: Apache-2.0
// The kernel's small rules: a walk that is finished in user space tells the truth and teaches what
// the kernel needs to make it by itself; bytes that lie lead nowhere, and soon.
#include "detect/symbol/walk_rules.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "own_stack.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMost = 128;

StackEvent event_of(const Snapshot& taken) {
  StackEvent event;
  event.pid = Pid{::getpid()};
  const auto value = [&](Register which) { return taken.registers.get(which).value_or(0); };
  event.registers.ip = value(Register::kRip);
  event.registers.sp = value(Register::kRsp);
  event.registers.bp = value(Register::kRbp);
  event.addresses = {Address{event.registers.ip}};
  event.copy = taken.stack;
  return event;
}

class WalkOwnStack : public testing::Test {
 protected:
  WalkedStack walk(const StackEvent& event, std::size_t most = kMost) {
    return finish_walk(view_, event, most, [this](Address address, const WalkRule& rule) {
      EXPECT_TRUE(taught_.emplace(address, rule).second || taught_.at(address) == rule);
    });
  }
  ProcAccess access_;
  ModuleCache cache_;
  ProcessView view_ = *ProcessView::open(Pid{::getpid()}, access_, cache_);
  std::map<Address, WalkRule> taught_;
};

TEST_F(WalkOwnStack, GoesAsTheRuntimeSays) {
  const Snapshot taken = deep(10, 12000);
  const WalkedStack walked = walk(event_of(taken));
  EXPECT_FALSE(walked.cut);
  ASSERT_EQ(walked.addresses.size(), taken.expected.size() + 1);
  for (std::size_t i = 0; i < taken.expected.size(); ++i) {
    EXPECT_EQ(walked.addresses[i + 1], taken.expected[i]) << i;
  }
  EXPECT_EQ(walked.interrupted.size(), walked.addresses.size());
  EXPECT_TRUE(walked.interrupted[0]);
  EXPECT_FALSE(walked.interrupted[1]);
}

TEST_F(WalkOwnStack, TeachesARuleForEachAddressAndTheLastIsTheEnd) {
  const WalkedStack walked = walk(event_of(deep(10, 12000)));
  for (const Address address : walked.addresses) EXPECT_TRUE(taught_.contains(address));
  EXPECT_EQ(taught_.at(walked.addresses.back()).kind, WalkRule::Kind::kEnd);
}

TEST_F(WalkOwnStack, GoesOnWhereTheKernelStopped) {
  const Snapshot taken = deep(10, 12000);
  const WalkedStack whole = walk(event_of(taken));
  // The kernel knew the innermost two: it hands over at the third, with that frame's registers.
  StackEvent event = event_of(taken);
  const auto word = [&](std::uint64_t address) {
    std::uint64_t value = 0;
    std::memcpy(&value, taken.stack.data() + (address - event.registers.sp), sizeof(value));
    return value;
  };
  std::uint64_t sp = event.registers.sp;
  std::uint64_t bp = event.registers.bp;
  for (std::size_t i = 0; i < 2; ++i) {
    const WalkRule rule = taught_.at(whole.addresses[i]);
    ASSERT_TRUE(rule.kind == WalkRule::Kind::kStack || rule.kind == WalkRule::Kind::kFrame);
    const std::uint64_t from = rule.kind == WalkRule::Kind::kStack ? sp : bp;
    const std::uint64_t cfa = from + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset});
    if (rule.bp_offset != 0) {
      bp = word(cfa + static_cast<std::uint64_t>(std::int64_t{rule.bp_offset}));
    }
    sp = cfa;
  }
  event.addresses = {whole.addresses[0], whole.addresses[1], whole.addresses[2]};
  event.copy.erase(event.copy.begin(),
                   event.copy.begin() + static_cast<std::ptrdiff_t>(sp - event.registers.sp));
  event.registers = {number(whole.addresses[2]), sp, bp};
  EXPECT_EQ(walk(event).addresses, whole.addresses);
}

TEST_F(WalkOwnStack, AWalkThatTheKernelEndedStaysAsItIs) {
  StackEvent event;
  event.addresses = {Address{0x1000}, Address{0x2000}};
  event.cut = true;
  const WalkedStack walked = walk(event);
  EXPECT_EQ(walked.addresses, event.addresses);
  EXPECT_TRUE(walked.cut);
  EXPECT_TRUE(taught_.empty());
}

TEST_F(WalkOwnStack, ACopyThatIsTooShortIsSaidToBeCut) {
  Snapshot taken = deep(10, 12000);
  taken.stack.resize(taken.stack.size() / 2);
  const WalkedStack walked = walk(event_of(taken));
  EXPECT_TRUE(walked.cut);
  EXPECT_GE(walked.addresses.size(), 2U);
  EXPECT_LT(walked.addresses.size(), taken.expected.size() + 1);
}

TEST_F(WalkOwnStack, StopsAtTheMostAddresses) {
  const WalkedStack walked = walk(event_of(deep(10, 12000)), 5);
  EXPECT_EQ(walked.addresses.size(), 5U);
  EXPECT_TRUE(walked.cut);
}

TEST_F(WalkOwnStack, GarbageLeadsToAnEndThatIsTaughtToo) {
  Snapshot taken = deep(3, 12000);
  std::ranges::fill(taken.stack, std::byte{0x41});
  const WalkedStack walked = walk(event_of(taken));
  EXPECT_LE(walked.addresses.size(), 3U);
  EXPECT_TRUE(taught_.contains(walked.addresses.back()));
}

TEST_F(WalkOwnStack, ACircleIsBounded) {
  Snapshot taken = deep(3, 12000);
  const std::uint64_t address = number(taken.expected[0]);
  for (std::size_t at = 0; at + 8 <= taken.stack.size(); at += 8) {
    std::memcpy(taken.stack.data() + at, &address, sizeof(address));
  }
  EXPECT_LE(walk(event_of(taken)).addresses.size(), kMost);
}

TEST_F(WalkOwnStack, RegistersThatOverflowAreAnEnd) {
  for (const std::uint64_t extreme :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    StackEvent event = event_of(deep(2, 12000));
    event.registers.sp = event.registers.bp = extreme;
    EXPECT_LE(walk(event).addresses.size(), kMost) << extreme;
  }
}

TEST_F(WalkOwnStack, AnAddressThatIsNoCodeIsTheEnd) {
  EXPECT_EQ(walk_rule(view_, Address{0x10}, false), (WalkRule{WalkRule::Kind::kEnd, 0, 0}));
  const std::uint64_t local = 0;
  EXPECT_EQ(walk_rule(view_, Address{reinterpret_cast<std::uint64_t>(&local)}, true).kind,
            WalkRule::Kind::kEnd);
}

}  // namespace
}  // namespace plumb::detect
