// SPDX-License-Identifier: Apache-2.0
// Who waits for an answer in a thread of many, and servers that sleep instead of answering.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::seconds;

// One more connection from process 20 to process 10, over which nothing was said for `quiet`.
void draw_connection(SurveyBuilder& machine, int number, seconds quiet) {
  const auto port = static_cast<std::uint16_t>(40000 + number);
  for (const auto& [local, remote] : {std::pair<std::uint16_t, std::uint16_t>{3000, port},
                                      std::pair<std::uint16_t, std::uint16_t>{port, 3000}}) {
    const auto index = machine.ip(SOCK_STREAM, SurveyBuilder::local(local),
                                  SurveyBuilder::local(remote), SocketState::kEstablished);
    Socket& socket = machine.survey.sockets[index];
    socket.receive_queue = 0;
    socket.send_queue = 0;
    const bool client = local == port;
    const BootTime said = machine.survey.taken - quiet;
    (client ? socket.last_sent : socket.last_received) = said;
  }
}

// A client with a thread for each of its connections, and a server that waits in an epoll.
void draw_threads(SurveyBuilder& machine, int connections) {
  for (int c = 0; c < connections; ++c) draw_connection(machine, c, seconds(15));
  machine.process(10, "server", 1, {"server"});
  machine.thread(SYS_epoll_wait, 3);
  for (int c = 0; c < connections; ++c) {
    machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * c));
  }
  machine.process(20, "client", 1, {"client"}).thread_count =
      static_cast<std::uint32_t>(connections + 1);
  machine.thread(SYS_nanosleep);
  for (int c = 0; c < connections; ++c) {
    machine.thread(SYS_recvfrom, static_cast<std::uint64_t>(4 + c));
  }
  for (int c = 0; c < connections; ++c) {
    machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * c + 1));
  }
}

TEST(IdlePeerWaits, ThreadsThatPileUpWaitForTheServerThatDoesNotAnswer) {
  const Story story([](SurveyBuilder& machine, int look) { draw_threads(machine, 3 + look); });
  const Explanation told = story.explain({*parse_selector("20")});
  const Finding* threads = find(told, id::kThreadLeak);
  const Finding* server = find(told, id::kIdlePeerWaits);
  ASSERT_NE(threads, nullptr);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->subject.process.pid, Pid{10});
  EXPECT_EQ(server->summary,
            "server(10) has not answered 22 threads of client(20): each waits for the other");
  ASSERT_EQ(threads->causes.size(), 1U);
  EXPECT_EQ(&told.at(threads->causes.front()), server);
}

TEST(IdlePeerWaits, ThreadsThatStandWaitForNews) {
  const Story story([](SurveyBuilder& machine, int) { draw_threads(machine, 8); });
  EXPECT_EQ(find(story.explain({*parse_selector("20")}), id::kIdlePeerWaits), nullptr);
}

// A client that waits for one answer, of a server that sleeps; or of which a thread runs.
const Finding* single(Explanation& told, seconds quiet, bool runs) {
  const Story story([&](SurveyBuilder& machine, int) {
    draw_connection(machine, 0, quiet);
    machine.process(10, "server", 1, {"server"});
    machine.thread(SYS_accept4, 3);
    machine.thread(SYS_nanosleep);
    if (runs) machine.survey.threads.back().waits_in.reset();
    machine.stands_for(4, Kind::kTcp, 0);
    machine.process(20, "client", 1, {"client"});
    machine.thread(SYS_recvfrom, 4);
    machine.stands_for(4, Kind::kTcp, 1);
  });
  told = story.explain({*parse_selector("20")});
  return find(told, id::kIdlePeerWaits);
}

TEST(IdlePeerWaits, AServerThatSleepsInSomethingElseDoesNotGoOn) {
  Explanation told;
  const Finding* finding = single(told, seconds(40), false);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kWarning) << "the chosen one suffers from it";
  EXPECT_EQ(finding->summary, "server(10) has not answered client(20) and does not go on");
}

TEST(IdlePeerWaits, AServerThatWorksOnItIsNone) {
  Explanation told;
  EXPECT_EQ(single(told, seconds(40), true), nullptr) << "a thread of it runs";
  EXPECT_EQ(single(told, seconds(15), false), nullptr) << "it may come back soon";
}

}  // namespace
}  // namespace plumb::detect
