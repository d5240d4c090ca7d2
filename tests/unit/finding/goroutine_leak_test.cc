// SPDX-License-Identifier: Apache-2.0
// Goroutines by the go statement that has started them.
#include <gtest/gtest.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

Frame go_frame(const char* function) {
  Frame frame;
  frame.kind = FrameKind::kGo;
  frame.function = function;
  frame.file = "/srv/main.go";
  frame.line = 40;
  return frame;
}

GoroutineSnapshot snapshot_of(const char* creator, int goroutines) {
  GoroutineSnapshot snapshot;
  snapshot.wait_reasons = {"", "chan send"};
  const std::vector by{snapshot.stacks.intern(go_frame(creator))};
  const std::vector at{snapshot.stacks.intern(go_frame("runtime.gopark")),
                       snapshot.stacks.intern(go_frame("main.lookup"))};
  for (int g = 0; g < goroutines; ++g) {
    Goroutine one;
    one.state = GoroutineState::kWaiting;
    one.reason = 1;
    one.stack = snapshot.stacks.add(at);
    one.creator = snapshot.stacks.add(by);
    snapshot.goroutines.push_back(one);
  }
  return snapshot;
}

Explanation explained(const char* creator, const std::function<int(int)>& count) {
  GoroutineSeries series;
  for (int look = 0; look < 20; ++look) {
    series.add(BootTime(std::chrono::seconds(look)), snapshot_of(creator, count(look)));
  }
  const GoroutineFacts facts_of_process{Pid{812}, series};
  const Story story([](SurveyBuilder& machine, int) { machine.process(812, "service", 1); });
  return explain_with(story, [&](Facts& facts) { facts.goroutines = {&facts_of_process, 1}; });
}

TEST(GoroutineLeak, NamesWhoStartsThemAndWhereTheyWait) {
  const Explanation found = explained("main.handle", [](int look) { return 5 + look; });
  const Finding* finding = find(found, id::kGoroutineLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->summary,
            "service(812) leaks goroutines: 24 now, +1/s, all started by main.handle (main.go:40)");
  EXPECT_EQ(finding->evidence.back().value, "24 of them: chan send at main.lookup (main.go:40)");
}

TEST(GoroutineLeak, AsManyAsBeforeAreSilent) {
  const Explanation found = explained("main.handle", [](int look) { return 5 + look % 4; });
  EXPECT_EQ(find(found, id::kGoroutineLeak), nullptr);
}

TEST(GoroutineLeak, ThoseOfConnectionsAreTheConnections) {
  const Explanation found =
      explained("net/http.(*Transport).dialConn", [](int look) { return 5 + look; });
  EXPECT_EQ(find(found, id::kGoroutineLeak), nullptr);
}

TEST(GoroutineLeak, RequestsThatPileUpInTheProgramsOwnFunctionAreTold) {
  const Explanation found =
      explained("net/http.(*Server).Serve", [](int look) { return 5 + look; });
  const Finding* finding = find(found, id::kGoroutineLeak);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning);
  EXPECT_EQ(finding->summary, "24 requests of service(812) wait in main.lookup (main.go:40), +1/s");
}

}  // namespace
}  // namespace plumb::detect
