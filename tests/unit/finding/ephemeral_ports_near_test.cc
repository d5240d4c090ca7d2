// SPDX-License-Identifier: Apache-2.0
// Local ports towards one server that run out.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <array>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr PortRange kNarrow{40000, 40099};

// Connections to one server that are over and keep their ports for a minute yet.
void draw_churn(SurveyBuilder& machine, int connections) {
  for (int c = 0; c < connections; ++c) {
    machine.ip(SOCK_STREAM, SurveyBuilder::local(static_cast<std::uint16_t>(40000 + c)),
               SurveyBuilder::local(7777), SocketState::kTimeWait);
  }
  machine.process(812, "metrics", 1, {"metrics"});
}

Explanation explained(int connections, const TraceFacts* trace = nullptr) {
  const Story story([&](SurveyBuilder& machine, int) { draw_churn(machine, connections); });
  return explain_with(story, [&](Facts& facts) {
    facts.ephemeral = kNarrow;
    facts.trace = trace;
  });
}

TEST(EphemeralPortsNear, CountsWhatIsOverButKeepsItsPort) {
  const Explanation full = explained(90);
  const Finding* finding = find(full, id::kEphemeralPortsNear);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->subject.process.pid, Pid{}) << "nobody holds them any more";
  EXPECT_EQ(find(explained(50), id::kEphemeralPortsNear), nullptr);
}

TEST(EphemeralPortsNear, TheOneThatIsTracedAndMakesThemIsNamed) {
  StackStore stacks;
  Frame frame;
  frame.function = "put_metric";
  const std::vector<FrameId> ids{stacks.intern(frame)};
  TraceLedger ledger(BootTime(hours(1)), seconds(2));
  ProcessEvent chosen;
  chosen.what = ProcessEvent::What::kFork;
  chosen.pid = Pid{812};
  ledger.on(chosen);
  ledger.learn(OriginId::kFirst, stacks.add(ids), Kind::kTcp, SYS_socket, false);
  std::array<OriginCount, static_cast<std::size_t>(OriginId::kFirst) + 1> counts{};
  counts.back() = {.created = 400, .closed = 400};
  ledger.begin_pass(BootTime(hours(1) + seconds(10)));
  ledger.end_pass(counts, {});
  const TraceFacts trace{ledger, stacks, {}, 0};
  const Explanation full = explained(90, &trace);
  const Finding* finding = find(full, id::kEphemeralPortsNear);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->subject.process.pid, Pid{812});
  EXPECT_TRUE(finding->remedy.starts_with("put_metric")) << finding->remedy;
}

}  // namespace
}  // namespace plumb::detect
