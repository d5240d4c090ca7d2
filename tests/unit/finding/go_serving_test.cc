// SPDX-License-Identifier: Apache-2.0
// What the goroutines of net/http's server do with its connections.
#include "detect/finding/go_serving.h"

#include <gtest/gtest.h>

#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

Frame go_frame(std::string_view function) {
  Frame frame;
  frame.kind = FrameKind::kGo;
  frame.function = function;
  frame.module = "/srv/service";
  // What a module's own code is, as opposed to Go's, is told by its file.
  frame.file = function.starts_with("main.") ? "/home/me/main.go" : "/usr/lib/go/src/x.go";
  return frame;
}

using Stack = std::vector<std::string_view>;

GoServing served(const std::vector<std::pair<Stack, int>>& goroutines) {
  GoroutineSnapshot snapshot;
  for (const auto& [functions, count] : goroutines) {
    std::vector<FrameId> frames;
    for (const std::string_view one : functions) {
      frames.push_back(snapshot.stacks.intern(go_frame(one)));
    }
    for (int g = 0; g < count; ++g) {
      Goroutine one;
      one.state = GoroutineState::kWaiting;
      one.stack = snapshot.stacks.add(frames);
      snapshot.goroutines.push_back(one);
    }
  }
  GoroutineSeries series;
  series.add(BootTime(std::chrono::seconds(1)), std::move(snapshot));
  const GoroutineFacts watched{Pid{812}, series};
  std::optional<GoServing> told;
  explain_with(Story([](SurveyBuilder& machine, int) { machine.process(812, "service", 1); }),
               [&](Facts& facts) {
                 facts.goroutines = {&watched, 1};
                 told = go_serving(facts, Pid{812});
               });
  return told.value_or(GoServing{});
}

const Stack kIdle{"internal/poll.(*FD).Read", "net.(*conn).Read", "bufio.(*Reader).Peek",
                  "net/http.(*conn).serve"};
const Stack kHeld{
    "internal/poll.(*FD).Read",       "net.(*conn).Read",      "main.hold", "main.live",
    "net/http.HandlerFunc.ServeHTTP", "net/http.(*conn).serve"};
const Stack kPump{"internal/poll.(*FD).Read", "net.(*conn).Read", "main.pump"};

TEST(GoServing, ConnectionsThatWaitForTheirClients) {
  const GoServing told = served({{kIdle, 7}, {kPump, 3}});
  EXPECT_EQ(told.serving, 7U);
  EXPECT_EQ(told.waiting, 7U);
  EXPECT_EQ(told.within, 0U);
}

TEST(GoServing, ConnectionsThatAHandlerKeeps) {
  const GoServing told = served({{kIdle, 1}, {kHeld, 9}});
  EXPECT_EQ(told.serving, 10U);
  EXPECT_EQ(told.within, 9U);
  ASSERT_GE(told.stack.size(), 3U);
  EXPECT_EQ(told.stack[2].function, "main.hold");
}

TEST(GoServing, ConnectionsThatAreTakenOverHaveNone) {
  EXPECT_EQ(served({{kPump, 9}}).serving, 0U);
}

}  // namespace
}  // namespace plumb::detect
