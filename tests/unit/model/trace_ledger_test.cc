// SPDX-License-Identifier: Apache-2.0
// The ledger of a trace: origins that become one site, processes that end, listeners that are
// closed.
#include "detect/model/trace_ledger.h"

#include <gtest/gtest.h>

#include <vector>

namespace plumb::detect {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr BootTime kBegan{seconds(1000)};
constexpr std::uint16_t kAccept4 = 288;

ProcessEvent process(ProcessEvent::What what, int pid, unsigned table, int parent = 0) {
  ProcessEvent event;
  event.what = what;
  event.pid = Pid{pid};
  event.parent = Pid{parent};
  event.table = TableId{table};
  event.start = BootTime(seconds(10 * pid));
  event.time = kBegan + seconds(5);
  event.name = "server";
  return event;
}

LiveHolding holding(unsigned origin, unsigned table, int fd, seconds after) {
  LiveHolding made;
  made.table = TableId{table};
  made.fd = Fd{fd};
  made.file = FileId{0x1000U + static_cast<unsigned>(fd)};
  made.born = kBegan + after;
  made.origin = OriginId{origin};
  made.kind = Kind::kTcp;
  made.call = kAccept4;
  return made;
}

struct TraceLedgerTest : testing::Test {
  TraceLedger ledger{kBegan, seconds(2)};
  StackStore stacks;

  StackNode stack(const char* function) {
    Frame frame;
    frame.function = function;
    const FrameId id = stacks.intern(frame);
    return stacks.add(std::vector{id});
  }
  void pass(seconds at, const std::vector<LiveHolding>& rows,
            const std::vector<OriginCount>& counts = {},
            const std::vector<LiveHolding>& ended = {}) {
    const auto dead = ledger.dead_tables();
    ledger.begin_pass(kBegan + at);
    for (const LiveHolding& row : rows) ledger.hold(row);
    for (const LiveHolding& row : ended) ledger.hold_at_end(row);
    ledger.end_pass(counts, dead);
  }
};

TEST_F(TraceLedgerTest, WhatStandsForManyCountsAsMany) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kHeap, kNoCall, false);
  std::vector<OriginCount> counts(17);
  counts[16] = {300, 100, 3000, 1000};
  std::vector<LiveHolding> rows{holding(16, 1, -1, seconds(1)), holding(16, 1, -1, seconds(9))};
  for (LiveHolding& row : rows) {
    row.kind = Kind::kHeap;
    row.weight = 100;
    row.bytes = 1000;
  }
  pass(seconds(10), rows, counts);
  const Site& site = ledger.sites()[0];
  EXPECT_EQ(site.live, 200U);
  EXPECT_EQ(site.aged, 100U);
  EXPECT_EQ(site.rows, 2U);
  EXPECT_EQ(site.held_bytes, 1000U);
  EXPECT_EQ(site.created_bytes, 3000U);
  EXPECT_EQ(site.closed_bytes, 1000U);
  EXPECT_EQ(site.samples.at(0).bytes, 1000U);
  EXPECT_EQ(site.series.points().back().live, 2U);  // of what was looked at
}

TEST_F(TraceLedgerTest, BytesThatAProcessLeavesAreHeldAndNotReleased) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kMapping, 9, false);
  ledger.on(process(ProcessEvent::What::kExit, 7, 1));
  LiveHolding row = holding(16, 1, -1, seconds(1));
  row.kind = Kind::kMapping;
  row.bytes = 4096;
  std::vector<OriginCount> counts(17);
  counts[16] = {1, 1, 4096, 4096};  // the kernel's rows are gone with the process
  pass(seconds(6), {}, counts, {row});
  const Site& site = ledger.sites()[0];
  EXPECT_EQ(site.at_exit, 1U);
  EXPECT_EQ(site.held_bytes, 4096U);
  EXPECT_EQ(site.closed, 0U);
  EXPECT_EQ(site.closed_bytes, 0U);
}

TEST_F(TraceLedgerTest, NumbersWithOneStackAreOneSite) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kTcp, kAccept4, false);
  ledger.learn(OriginId{17}, stack("serve"), Kind::kTcp, kAccept4, false);
  std::vector<OriginCount> counts(18);
  counts[16] = {5, 4};
  counts[17] = {3, 2};
  pass(seconds(10), {holding(16, 1, 3, seconds(1)), holding(17, 1, 4, seconds(9))}, counts);
  ASSERT_EQ(ledger.sites().size(), 1U);
  const Site& site = ledger.sites()[0];
  EXPECT_EQ(site.live, 2U);
  EXPECT_EQ(site.aged, 1U);  // the other is a second old
  EXPECT_EQ(site.created, 8U);
  EXPECT_EQ(site.closed, 6U);
  EXPECT_EQ(site.oldest, kBegan + seconds(1));
  EXPECT_EQ(site.youngest, kBegan + seconds(9));
}

TEST_F(TraceLedgerTest, TwoStacksAreTwoSites) {
  ledger.learn(OriginId{16}, stack("serve"), Kind::kTcp, kAccept4, false);
  ledger.learn(OriginId{17}, stack("proxy"), Kind::kTcp, kAccept4, false);
  EXPECT_EQ(ledger.sites().size(), 2U);
}

TEST_F(TraceLedgerTest, JudgesFromTheTimeWhenAllAreFollowed) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kTcp, kAccept4, false);
  ledger.begin(kBegan + seconds(10));
  std::vector<LiveHolding> rows;
  for (int second = 11; second <= 20; ++second) {
    rows.push_back(holding(16, 1, second, seconds(second)));
    pass(seconds(second), rows);
  }
  ASSERT_EQ(ledger.sites().size(), 1U);
  EXPECT_EQ(ledger.sites()[0].growth, Growth::kGrowing);
  EXPECT_EQ(ledger.into(kBegan + seconds(11)), seconds(1));
  EXPECT_EQ(ledger.into(kBegan + seconds(9)), seconds(0));
}

TEST_F(TraceLedgerTest, AgesArePowersOfTwoSeconds) {
  EXPECT_EQ(age_bucket(milliseconds(999)), 0U);
  EXPECT_EQ(age_bucket(seconds(1)), 1U);
  EXPECT_EQ(age_bucket(seconds(3)), 2U);
  EXPECT_EQ(age_bucket(seconds(4)), 3U);
  EXPECT_EQ(age_bucket(std::chrono::hours(100'000)), kAgeBuckets - 1);
}

TEST_F(TraceLedgerTest, WhatAChosenProcessLeavesAtItsEndIsHeld) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kTcp, kAccept4, false);
  ledger.on(process(ProcessEvent::What::kExit, 7, 1));
  EXPECT_EQ(ledger.chosen_alive(), 0U);
  std::vector<OriginCount> counts(17);
  counts[16] = {1, 1};  // the kernel counts it as closed when it forgets it
  pass(seconds(6), {}, counts, {holding(16, 1, 3, seconds(1))});
  EXPECT_EQ(ledger.sites()[0].at_exit, 1U);
  EXPECT_EQ(ledger.sites()[0].closed, 0U);
  pass(seconds(7), {}, counts);
  EXPECT_EQ(ledger.sites()[0].at_exit, 1U) << "and stays so in later passes";
}

TEST_F(TraceLedgerTest, WhatAChildLeavesAtItsEndIsClosed) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.on(process(ProcessEvent::What::kFork, 8, 2, 7));
  ledger.learn(OriginId{16}, stack("serve"), Kind::kTcp, kAccept4, false);
  ledger.on(process(ProcessEvent::What::kExit, 8, 2));
  EXPECT_EQ(ledger.dead_tables(), std::vector{TableId{2}});
  pass(seconds(6), {}, {}, {holding(16, 2, 3, seconds(1))});
  EXPECT_EQ(ledger.sites()[0].at_exit, 0U);
  EXPECT_TRUE(ledger.dead_tables().empty());
}

TEST_F(TraceLedgerTest, CountsExecsAndKnowsWhoIsStopped) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.on(process(ProcessEvent::What::kExec, 7, 2));
  const auto& [key, traced] = *ledger.processes().begin();
  EXPECT_EQ(traced.execs, 1U);
  EXPECT_FALSE(traced.stopped);
  ledger.on_state(key, true);
  EXPECT_TRUE(traced.stopped);
  ledger.on_state({Pid{8}, key.start}, true);  // nobody's
  ledger.on(process(ProcessEvent::What::kExit, 7, 2));
  EXPECT_FALSE(traced.stopped);
  ledger.on_state(key, true);
  EXPECT_FALSE(traced.stopped) << "who has ended is not stopped";
}

TEST_F(TraceLedgerTest, AReusedPidIsAnotherProcess) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ledger.on(process(ProcessEvent::What::kExit, 7, 1));
  auto again = process(ProcessEvent::What::kFork, 7, 2);
  again.start += seconds(99);
  ledger.on(again);
  EXPECT_EQ(ledger.processes().size(), 2U);
  EXPECT_EQ(ledger.chosen_alive(), 1U);
}

TEST_F(TraceLedgerTest, AClosedListenerKnowsBothStacksAndWhetherADuplicateStays) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  ListenerEvent listens;
  listens.table = TableId{1};
  listens.fd = Fd{4};
  listens.file = FileId{0x1004};
  listens.port = 10101;
  ledger.on(listens);
  ClosedEvent closed;
  closed.holding = holding(16, 1, 4, seconds(1));
  closed.holding.listener = true;
  closed.closer = OriginId{18};
  closed.time = kBegan + seconds(3);
  ledger.on(closed);
  auto duplicate = holding(16, 1, 9, seconds(2));
  duplicate.file = FileId{0x1004};
  duplicate.listener = true;
  pass(seconds(4), {duplicate});
  ASSERT_EQ(ledger.closings().size(), 1U);
  const Closing& closing = ledger.closings()[0];
  EXPECT_FALSE(ledger.closer_of(closing));
  EXPECT_EQ(ledger.opener_of(closing), nullptr);
  // Naming a stack takes longer than closing what it opened.
  ledger.learn(OriginId{16}, stack("listen_here"), Kind::kTcp, 41, false);
  ledger.learn_closer(OriginId{18}, stack("runtime.runfinq"));
  EXPECT_EQ(ledger.closer_of(closing), stack("runtime.runfinq"));
  ASSERT_NE(ledger.opener_of(closing), nullptr);
  EXPECT_EQ(ledger.opener_of(closing)->stack, stack("listen_here"));
  ASSERT_TRUE(closing.listener);
  EXPECT_EQ(closing.listener->port, 10101);
  EXPECT_TRUE(closing.shared);
}

TEST_F(TraceLedgerTest, RowsWhoseStackIsOnItsWayAreKeptApart) {
  ledger.on(process(ProcessEvent::What::kFork, 7, 1));
  pass(seconds(5), {holding(99, 1, 3, seconds(1))});
  ASSERT_EQ(ledger.sites().size(), 1U);
  EXPECT_EQ(ledger.sites()[0].special, OriginId::kStackLost);
}

}  // namespace
}  // namespace plumb::detect
