// SPDX-License-Identifier: Apache-2.0
// Clients that keep a server's connections and say nothing: a child for each, the server itself,
// and a client on another machine.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

enum class Served { kByChildren, kByItself };

struct Scene {
  Served served = Served::kByChildren;
  int at_first = 6;
  int more_a_look = 1;
  std::string_view title = "postgres: app db 127.0.0.1(4000) idle in transaction";
  bool outside = false;
  bool talks = false;  // the client has asked for something a moment ago
};

Explanation explained(const Scene& scene, std::string_view victim = "server") {
  const Story story([&](SurveyBuilder& machine, int look) {
    const int many = scene.at_first + look * scene.more_a_look;
    for (int c = 0; c < many; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      const IpEndpoint client =
          scene.outside ? SurveyBuilder::at(10, 0, 0, 7, port) : SurveyBuilder::local(port);
      const IpEndpoint here =
          scene.outside ? SurveyBuilder::at(10, 0, 0, 1, 5432) : SurveyBuilder::local(5432);
      for (const bool at_server : {true, false}) {
        if (scene.outside && !at_server) continue;
        const auto index = machine.ip(SOCK_STREAM, at_server ? here : client,
                                      at_server ? client : here, SocketState::kEstablished);
        Socket& socket = machine.survey.sockets[index];
        socket.inode = 7000 + 2 * static_cast<std::uint64_t>(c) + (at_server ? 0 : 1);
        socket.receive_queue = socket.send_queue = 0;
        socket.last_sent = BootTime(3000s + (at_server ? 1s : 0s));
        socket.last_received = BootTime(3000s + (at_server ? 0s : 1s));
        if (scene.talks) socket.last_received = machine.survey.taken - 1s;
      }
    }
    const auto door = machine.ip(SOCK_STREAM, SurveyBuilder::local(5432), {}, SocketState::kListen);
    if (!scene.outside) {
      machine.process(20, "reports", 1, {"reports"});
      machine.thread(SYS_clock_nanosleep);
      for (int c = 0; c < many; ++c) {
        machine.stands_for(10 + c, Kind::kTcp, static_cast<std::uint32_t>(2 * c + 1));
      }
    }
    machine.process(640, "server", 1, {"server"});
    machine.thread(SYS_epoll_wait, 9);
    machine.stands_for(3, Kind::kTcp, door);
    const bool children = scene.served == Served::kByChildren;
    for (int c = 0; c < many; ++c) {
      if (children) {
        machine.process(1000 + c, "server", 640, {scene.title});
        machine.thread(SYS_recvfrom, 10);
      }
      machine.stands_for(children ? 10 : 10 + c, Kind::kTcp,
                         static_cast<std::uint32_t>(scene.outside ? c : 2 * c));
    }
  });
  return story.explain({*parse_selector(victim)});
}

TEST(IdleClients, ChildrenThatPileUpAreTheClientsToGiveBack) {
  const Explanation found = explained({});
  const Finding* children = find(found, id::kStuckChildren);
  const Finding* clients = find(found, id::kIdleClients);
  ASSERT_NE(children, nullptr);
  ASSERT_NE(clients, nullptr);
  EXPECT_EQ(children->whose_move, "") << "the cause says it";
  EXPECT_EQ(clients->whose_move, "reports(20)");
  EXPECT_EQ(clients->severity, Severity::kWarning);
  EXPECT_EQ(clients->summary,
            "reports(20) keeps 25 connections of server(640) and says nothing on them: 25 of them "
            "idle in a transaction, +1/s");
}

TEST(IdleClients, TransactionsThatNobodyEndsAreAWarningThoughNoMoreCome) {
  const Explanation found = explained({.more_a_look = 0});
  const Finding* clients = find(found, id::kIdleClients);
  ASSERT_NE(clients, nullptr);
  EXPECT_EQ(clients->severity, Severity::kWarning);
  EXPECT_NE(clients->remedy.find("end its transactions"), std::string::npos) << clients->remedy;
}

TEST(IdleClients, APoolIsSilent) {
  EXPECT_EQ(find(explained({.more_a_look = 0, .title = "postgres: app db idle"}), id::kIdleClients),
            nullptr);
}

TEST(IdleClients, WhoAsksForSomethingIsNotIdle) {
  EXPECT_EQ(find(explained({.talks = true}), id::kIdleClients), nullptr);
}

TEST(IdleClients, OfAServerWithRoomItIsANote) {
  const Explanation found = explained({.served = Served::kByItself});
  EXPECT_FALSE(found.anything_wrong());
  const Finding* clients = find(found, id::kIdleClients);
  ASSERT_NE(clients, nullptr);
  EXPECT_EQ(clients->whose_move, "reports(20)");
}

TEST(IdleClients, OneOnAnotherMachineIsToldByItsAddress) {
  const Finding* clients = nullptr;
  const Explanation found = explained({.outside = true});
  clients = find(found, id::kIdleClients);
  ASSERT_NE(clients, nullptr);
  EXPECT_EQ(clients->whose_move, "10.0.0.7");
}

}  // namespace
}  // namespace plumb::detect
