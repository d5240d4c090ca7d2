// SPDX-License-Identifier: Apache-2.0
// A trace's reports before and after a recording: equal, in every form.
#include "detect/report/recorded_trace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "app/cli/trace_recorder.h"
#include "detect/report/pieces.h"
#include "tests/support/traced_machine.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::uint64_t kRoom = 16 * 1024 * 1024;

std::string text_of(const TraceDocument& document) {
  return written([&](const Sink& sink) {
    write_trace_text(document, Paper{.colours = true, .width = 100}, sink);
  });
}

struct Replay : testing::Test {
  std::string path = testing::TempDir() + "replay." + std::to_string(::getpid()) + ".plumb";
  ~Replay() override { ::unlink(path.c_str()); }
};

void expect_equal(const TraceDocument& live, const TraceDocument& replayed) {
  EXPECT_EQ(text_of(live), text_of(replayed));
  for (const auto write :
       {write_trace_json, write_trace_folded, write_trace_pprof, write_trace_html}) {
    const auto form = [&](const TraceDocument& document) {
      return written([&](const Sink& sink) { write(document, sink); });
    };
    EXPECT_EQ(form(live), form(replayed));
  }
}

TEST_F(Replay, EveryFormOfTheReportIsTheSame) {
  const TracedMachine machine;
  {
    auto recorder = TraceRecorder::open(path, kRoom);
    ASSERT_TRUE(recorder.ok());
    ASSERT_TRUE((*recorder)->write(machine.document(), machine.rows).ok());
  }
  const auto recording = read_recording(path);
  ASSERT_TRUE(recording.ok()) << recording.error().message();
  EXPECT_TRUE(recording->missing.empty());
  const RecordedTrace replayed(*recording);
  expect_equal(machine.document(), replayed.document());
}

TEST_F(Replay, HoldsWhatEndedProcessesLeftAndKeepsTheVerdictOfBefore) {
  TracedMachine machine;
  ProcessEvent exit;
  exit.what = ProcessEvent::What::kExit;
  exit.pid = Pid{100};
  exit.start = TracedMachine::kBegan;
  exit.table = TableId{100};
  exit.time = TracedMachine::kBegan + std::chrono::seconds(61);
  exit.status = 256;
  machine.source.settle_growth();
  machine.source.on(exit);
  const auto dead = machine.source.dead_tables();
  machine.source.begin_pass(TracedMachine::kBegan + std::chrono::seconds(62));
  std::vector<LiveHolding> left;
  for (const LiveHolding& row : machine.rows) {
    if (row.table == TableId{100}) {
      machine.source.hold_at_end(row);
    } else {
      machine.source.hold(row);
      left.push_back(row);
    }
  }
  machine.source.end_pass({}, dead);
  {
    auto recorder = TraceRecorder::open(path, kRoom);
    ASSERT_TRUE(recorder.ok());
    // As it was before, and again: what has changed since is found.
    ASSERT_TRUE((*recorder)->write(machine.document(), machine.rows).ok());
    ASSERT_TRUE((*recorder)->write(machine.document(), left).ok());
  }
  const auto recording = read_recording(path);
  ASSERT_TRUE(recording.ok()) << recording.error().message();
  const RecordedTrace replayed(*recording);
  EXPECT_NE(text_of(replayed.document()).find("left at the end"), std::string::npos);
  expect_equal(machine.document(), replayed.document());
}

TEST_F(Replay, TellsNothingOfHoldingsThatAreGoneFromADamagedFile) {
  const TracedMachine machine;
  Recording recording;
  recording.trace.emplace();
  recording.trace->facts = machine.source.record(machine.rows);
  recording.trace->facts.holdings.clear();
  for (auto& site : recording.trace->facts.sites) site.at_exit = 5;
  recording.stacks = machine.stacks;
  const RecordedTrace replayed(recording);
  EXPECT_NE(text_of(replayed.document()).find("0 held"), std::string::npos);
}

}  // namespace
}  // namespace plumb::app
