// SPDX-License-Identifier: Apache-2.0
// Connections of Go's HTTP client that lie in pools of their own.
#include "detect/finding/go_pools.h"

#include <gtest/gtest.h>

#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

std::optional<LeftIdle> left(std::uint64_t idle, std::uint64_t open, Pid asked = Pid{812}) {
  StackStore stacks;
  Frame frame;
  frame.kind = FrameKind::kGo;
  frame.function = "main.checkLicense";
  const std::vector<FrameId> frames = {stacks.intern(frame)};
  GoHttpLeaks leaks;
  leaks.idle.push_back({stacks.add(frames), idle});
  GoHttpSite held;
  held.stack = leaks.idle.front().stack;
  held.states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)] = open;
  leaks.sites.push_back(held);
  const GoHttpFacts watched{Pid{812}, leaks, stacks};
  std::optional<LeftIdle> found;
  const Story story([](SurveyBuilder& machine, int) { machine.process(812, "service", 1); });
  explain_with(story, [&](Facts& facts) {
    facts.go_http = {&watched, 1};
    found = left_idle(facts, asked);
    facts.go_http = {};
  });
  return found;
}

TEST(GoPools, WhoAsksIsNamedWhereItsConnectionsLieUnused) {
  const auto found = left(41, 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->connections, 41U);
  ASSERT_FALSE(found->stack.empty());
  EXPECT_EQ(found->stack.front().function, "main.checkLicense");
}

TEST(GoPools, APoolThatIsSharedAndForgottenBodiesAreNone) {
  EXPECT_FALSE(left(2, 0));
  EXPECT_FALSE(left(9, 20)) << "bodies that nobody closed hold more";
  EXPECT_FALSE(left(41, 0, Pid{7})) << "another process's";
}

}  // namespace
}  // namespace plumb::detect
