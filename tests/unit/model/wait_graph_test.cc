// SPDX-License-Identifier: Apache-2.0
#include "detect/model/wait_graph.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "detect/model/wait_chain.h"
#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kAnyChild = 0xffffffff;

class Waits : public testing::Test {
 protected:
  // The poll list of the last thread.
  void lists(std::initializer_list<int> fds) {
    ThreadWait wait;
    wait.thread = ThreadIndex{static_cast<std::uint32_t>(b.survey.threads.size() - 1)};
    wait.listed = true;
    for (const int fd : fds) wait.polled.push_back({Fd{fd}, POLLIN});
    b.survey.waits.push_back(wait);
  }
  // Process a reads a pipe that process b writes to, and so on.
  void reads_pipe(int fd, std::uint64_t inode) {
    b.thread(SYS_read, static_cast<std::uint64_t>(fd));
    b.pipe(fd, inode, O_RDONLY);
  }
  struct Made {
    explicit Made(const Survey& survey) : joined(survey), graph(joined) {}
    Joined joined;
    WaitGraph graph;
  };
  const Party& only_party(const WaitGraph& graph, std::uint32_t process) {
    const auto threads = graph.threads_of(ProcessIndex{process});
    EXPECT_EQ(threads.size(), 1u);
    EXPECT_EQ(threads[0].parties.size(), 1u);
    return threads[0].parties[0];
  }

  SurveyBuilder b;
};

TEST_F(Waits, AReaderOfAPipeWaitsForWhoWrites) {
  b.process(10, "reader");
  reads_pipe(3, 77);
  b.process(20, "writer");
  b.thread(SYS_clock_nanosleep);
  b.pipe(4, 77, O_WRONLY);
  const Made made(b.survey);
  const Party& party = only_party(made.graph, 0);
  EXPECT_EQ(party.kind, PartyKind::kProcess);
  EXPECT_EQ(party.via, PartyVia::kOtherEnd);
  EXPECT_EQ(party.whom, std::vector{ProcessIndex{1}});
  EXPECT_EQ(only_party(made.graph, 1).kind, PartyKind::kTimer);
  const auto ends = chain_ends(made.graph, ProcessIndex{0});
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].reason, EndReason::kSleeps);
  EXPECT_EQ(ends[0].way, (std::vector{ProcessIndex{0}, ProcessIndex{1}}));
}

TEST_F(Waits, APollLeadsToWhatIsInItsListAlone) {
  b.process(10, "poller");
  b.thread(SYS_poll, 0x7fff0000, 2);
  lists({5});
  b.pipe(3, 77, O_RDONLY);  // not polled
  b.pipe(5, 78, O_RDONLY);
  b.process(20, "one");
  b.pipe(4, 77, O_WRONLY);
  b.process(30, "two");
  b.pipe(4, 78, O_WRONLY);
  const Made made(b.survey);
  EXPECT_EQ(only_party(made.graph, 0).whom, std::vector{ProcessIndex{2}});
  EXPECT_EQ(only_party(made.graph, 0).evidence, WaitEvidence::kList);
}

TEST_F(Waits, AListThatWasNotReadIsUnknown) {
  b.process(10, "poller");
  b.thread(SYS_poll, 0x7fff0000, 2);
  b.pipe(5, 78, O_RDONLY);
  b.process(20, "writer");
  b.pipe(4, 78, O_WRONLY);
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).kind, PartyKind::kUnknown);
}

TEST_F(Waits, TwoThatReadFromEachOtherNeverGoOn) {
  const auto pair = b.socket_pair();
  b.process(10, "ping");
  b.thread(SYS_recvfrom, 3);
  b.stands_for(3, Kind::kUnix, pair);
  b.process(20, "pong");
  b.thread(SYS_read, 3);
  b.stands_for(3, Kind::kUnix, pair + 1);
  b.process(30, "parent");
  b.thread(SYS_wait4, kAnyChild);
  b.survey.processes[0].parent = Pid{30};
  const Made made(b.survey);
  EXPECT_TRUE(only_party(made.graph, 0).mutual);
  for (const std::uint32_t p : {0u, 1u, 2u}) EXPECT_FALSE(made.graph.can_go_on(ProcessIndex{p}));
  EXPECT_EQ(made.graph.ring_of(ProcessIndex{2}), (std::vector{ProcessIndex{0}, ProcessIndex{1}}));
  const auto ends = chain_ends(made.graph, ProcessIndex{2});
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].reason, EndReason::kLocked);
}

TEST_F(Waits, ATimeoutBreaksARing) {
  const auto pair = b.socket_pair();
  b.process(10, "ping");
  b.thread(SYS_poll, 0x7fff0000, 1);
  lists({3});
  b.survey.waits.back().timeout = std::chrono::seconds(5);
  b.stands_for(3, Kind::kUnix, pair);
  b.process(20, "pong");
  b.thread(SYS_read, 3);
  b.stands_for(3, Kind::kUnix, pair + 1);
  const Made made(b.survey);
  EXPECT_TRUE(made.graph.can_go_on(ProcessIndex{0}));
  EXPECT_TRUE(made.graph.can_go_on(ProcessIndex{1}));
  const auto ends = chain_ends(made.graph, ProcessIndex{1});
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].reason, EndReason::kMutual);
}

TEST_F(Waits, AReaderOfItsOwnPipeWaitsForItself) {
  b.process(10, "alone");
  reads_pipe(3, 77);
  b.pipe(4, 77, O_WRONLY);
  const Made made(b.survey);
  EXPECT_EQ(only_party(made.graph, 0).kind, PartyKind::kOwn);
  EXPECT_FALSE(made.graph.can_go_on(ProcessIndex{0}));
}

TEST_F(Waits, ButNotWhereAnotherThreadOfItsOwnGoesOn) {
  b.process(10, "two threads");
  reads_pipe(3, 77);
  b.pipe(4, 77, O_WRONLY);
  b.thread(SYS_clock_nanosleep);
  EXPECT_TRUE(Made(b.survey).graph.can_go_on(ProcessIndex{0}));
}

TEST_F(Waits, ALockLeadsToItsOwnerEvenThroughAChild) {
  b.process(10, "wants");
  b.thread(SYS_flock, 3, LOCK_EX);
  b.file(3, "/tmp/x").inode = 99;
  b.process(20, "took");
  b.thread(SYS_clock_nanosleep);
  b.process(21, "inherited");
  b.thread(SYS_clock_nanosleep);
  b.file(7, "/tmp/x").inode = 99;
  FileLock lock;
  lock.inode = 99;
  lock.taker = Pid{20};
  lock.waiters = {Pid{10}};
  b.survey.locks.push_back(lock);
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).whom, std::vector{ProcessIndex{1}});
  b.survey.locks[0].holds = {DescriptorIndex{1}};
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).whom, std::vector{ProcessIndex{2}});
}

TEST_F(Waits, OneChildByItsNumberOrAnyOfThem) {
  b.process(10, "parent");
  b.thread(SYS_wait4, 12);
  b.process(11, "first", 10);
  b.process(12, "second", 10);
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).whom, std::vector{ProcessIndex{2}});
  b.survey.threads[0].waits_in->args[0] = kAnyChild;
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).whom.size(), 2u);
  b.survey.threads[0].waits_in = BlockingCall{SYS_waitid, {3 /* P_PIDFD */, 5}};
  EXPECT_EQ(only_party(Made(b.survey).graph, 0).kind, PartyKind::kUnknown);
}

TEST_F(Waits, AMutexNamesItsOwnerAndAJoinItsThread) {
  b.process(10, "threads");
  b.thread(SYS_futex, 0x1000, 128);
  b.survey.threads[0].waits_in->args[2] = 2;
  b.survey.waits.push_back({});
  b.survey.waits[0].futex = FutexWord{2, 11};
  b.thread(SYS_futex, 0x2000, 128);
  b.survey.threads[1].waits_in->args[2] = 10;
  b.survey.waits.push_back({});
  b.survey.waits[1].thread = ThreadIndex{1};
  b.survey.waits[1].futex = FutexWord{10, 0};
  const Made made(b.survey);
  const auto threads = made.graph.threads_of(ProcessIndex{0});
  EXPECT_EQ(threads[0].parties[0].via, PartyVia::kMutex);
  EXPECT_EQ(threads[0].parties[0].thread, ThreadIndex{1});
  EXPECT_EQ(threads[1].parties[0].via, PartyVia::kJoin);
  EXPECT_EQ(threads[1].parties[0].thread, ThreadIndex{0});
  EXPECT_FALSE(made.graph.can_go_on(ProcessIndex{0}));
}

TEST_F(Waits, AFutexOfNobodyInParticularCanAlwaysCome) {
  b.process(10, "threads");
  b.thread(SYS_futex, 0x1000, 128);
  const Made made(b.survey);
  EXPECT_EQ(only_party(made.graph, 0).kind, PartyKind::kFutex);
  EXPECT_TRUE(made.graph.can_go_on(ProcessIndex{0}));
}

// client → proxy (event loop, with another client) → server, which sleeps.
TEST_F(Waits, AProxysOtherClientsAreNotFollowed) {
  const auto listener = b.ip(SOCK_STREAM, SurveyBuilder::local(8118), {}, SocketState::kListen);
  const auto pair = [&](std::uint16_t client, std::uint16_t server) {
    b.ip(SOCK_STREAM, SurveyBuilder::local(client), SurveyBuilder::local(server),
         SocketState::kEstablished);
    return b.ip(SOCK_STREAM, SurveyBuilder::local(server), SurveyBuilder::local(client),
                SocketState::kEstablished);
  };
  const auto first = pair(40000, 8118), second = pair(40001, 8118), up = pair(40002, 80);
  b.process(10, "client");
  b.thread(SYS_read, 3);
  b.stands_for(3, Kind::kTcp, first - 1);
  b.process(11, "other");
  b.thread(SYS_clock_nanosleep);
  b.stands_for(3, Kind::kTcp, second - 1);
  b.process(20, "proxy");
  b.thread(SYS_epoll_wait, 4);
  b.stands_for(3, Kind::kTcp, listener);
  b.detailed(4, Kind::kEpoll, EpollDetail{{{Fd{3}, 1}, {Fd{5}, 1}, {Fd{6}, 1}, {Fd{7}, 1}}});
  b.stands_for(5, Kind::kTcp, first);
  b.stands_for(6, Kind::kTcp, second);
  b.stands_for(7, Kind::kTcp, up - 1);
  b.process(30, "server");
  b.thread(SYS_clock_nanosleep);
  b.stands_for(3, Kind::kTcp, up);
  const Made made(b.survey);
  const auto ends = chain_ends(made.graph, ProcessIndex{0});
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].way, (std::vector{ProcessIndex{0}, ProcessIndex{2}, ProcessIndex{3}}));
  EXPECT_EQ(chain_starts(made.graph), std::vector{ProcessIndex{0}});
  EXPECT_TRUE(only_party(made.graph, 0).mutual);  // the proxy watches that connection
}

TEST_F(Waits, AProcessThatStandsInItsDebuggersHands) {
  b.process(10, "victim").state = RunState{'t'};
  b.thread(SYS_read, 0);
  b.survey.threads[0].state = RunState{'t'};
  b.survey.processes[0].tracer = Pid{20};
  b.process(20, "gdb");
  const Made made(b.survey);
  EXPECT_EQ(only_party(made.graph, 0).via, PartyVia::kTracer);
  EXPECT_EQ(only_party(made.graph, 0).whom, std::vector{ProcessIndex{1}});
}

TEST_F(Waits, WhoIsStoppedOrHasEndedShouldActFirst) {
  b.process(10, "reader");
  reads_pipe(3, 77);
  b.process(20, "stopped").state = RunState{'T'};
  b.pipe(4, 77, O_WRONLY);
  const Made made(b.survey);
  EXPECT_EQ(chain_ends(made.graph, ProcessIndex{0}).front().reason, EndReason::kStopped);
}

}  // namespace
}  // namespace plumb::detect
