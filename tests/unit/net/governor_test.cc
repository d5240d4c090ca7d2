// SPDX-License-Identifier: Apache-2.0
// The accept governor under a real limit: the order of its measures, nobody hangs, nobody is reset,
// the reserve comes back, admin listeners are served, several loops help each other.
#include "plumb/net/governor.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "network_fixture.h"
#include "support/crowd.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using test::Crowd;
using test::CrowdOutcome;
using GovernorTest = NetworkTest;

// Lowers the limit so that `room` more descriptors can be opened; the end restores it.
class LowLimit {
 public:
  explicit LowLimit(rlim_t room) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
    ::close(next);
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(next) + room;
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~LowLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  LowLimit(const LowLimit&) = delete;
  LowLimit& operator=(const LowLimit&) = delete;

 private:
  rlimit before_{};
};

// On a busy machine a client's first word may take longer than 100 ms.
const AcceptGovernor::Options kPatient{.silent_grace = 10s};

// A server's own loop, budget and governor, made under the low limit.
struct Server {
  explicit Server(AcceptGovernor::Options options = kPatient)
      : budget({.raise_to_hard = false}),
        loop(*Loop::create({.budget = &budget})),
        governor(budget, std::move(options)),
        network(*loop, &governor) {}

  DescriptorBudget budget;
  std::unique_ptr<Loop> loop;
  AcceptGovernor governor;
  Network network;
};

// Answers "ok" to each line; between two lines the connection is as idle as `idleness` says.
Task<> answer(Stream stream, Idleness idleness) {
  Buffer buffer = stream.buffer();
  for (;;) {
    const auto got = co_await stream.read(buffer);
    if (!got || *got == 0) co_return;
    if (auto sent = co_await stream.write("ok\n"); !sent) co_return;
    buffer.clear();
    stream.set_idleness(idleness);
  }
}

Task<> serve(Listener& listener, Idleness idleness) {
  const auto handle = [idleness](Stream stream) { return answer(std::move(stream), idleness); };
  const auto ended = co_await listener.serve(handle);
  EXPECT_EQ(ended.error().code, ECANCELED);
}

Task<CrowdOutcome> report_of(Loop& loop, Crowd& crowd) {
  Descriptor descriptor(loop, DescriptorKind::kOther);
  EXPECT_TRUE(descriptor.attach(crowd.take_report()));
  EXPECT_TRUE(co_await descriptor.readable());
  CrowdOutcome outcome;
  EXPECT_EQ(::read(descriptor.borrow(), &outcome, sizeof outcome), ssize_t{sizeof outcome});
  co_return outcome;
}

TEST_F(GovernorTest, ACrowdBeyondTheLimitIsServedOrToldSoAndNobodyHangsOrIsReset) {
  const LowLimit limit(60);
  Server server;
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0), {.busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBetween));
      Crowd crowd({.port = (*listener)->local()->port(), .clients = 150});
      const auto outcome = co_await report_of(*on.loop, crowd);
      EXPECT_EQ(outcome.ok + outcome.busy, 150);
      EXPECT_GE(outcome.ok, 30);
      EXPECT_EQ(outcome.reset + outcome.hang + outcome.ended, 0);
    });
  }(server));
  EXPECT_EQ(server.governor.reserve_held(), 10U);
  EXPECT_EQ(server.network.lobby_visitors(), 0U);
}

TEST_F(GovernorTest, BusyConnectionsAreLeftAloneAndNewcomersAreToldAtOnce) {
  const LowLimit limit(60);
  Server server;
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0), {.busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBusy));
      const std::uint16_t port = (*listener)->local()->port();
      std::optional<Crowd> crowd;
      crowd.emplace(test::CrowdPlan{.port = port, .clients = 150});
      const auto first = co_await report_of(*on.loop, *crowd);
      EXPECT_GE(first.ok, 30);
      EXPECT_LE(first.ok, 60);
      EXPECT_EQ(first.ok + first.busy, 150);
      EXPECT_EQ(on.governor.counters().shed_between, 0U);
      EXPECT_TRUE(on.governor.pressure());

      // Starved and silent: the loop sleeps.
      const auto turns = on.loop->counters().turns;
      EXPECT_TRUE(co_await sleep(300ms));
      EXPECT_LT(on.loop->counters().turns - turns, 60U);

      crowd.reset();  // they leave, and there is room again
      Crowd late({.port = port, .clients = 5});
      const auto second = co_await report_of(*on.loop, late);
      EXPECT_EQ(second.ok, 5);
      EXPECT_FALSE(on.governor.pressure());
    });
  }(server));
  const auto counters = server.governor.counters();
  EXPECT_GE(counters.answered_busy, 90U);
  EXPECT_EQ(server.governor.reserve_held(), 10U);
}

TEST_F(GovernorTest, SilentConnectionsMakeRoomForThoseWhoSpeak) {
  const LowLimit limit(60);
  Server server(AcceptGovernor::Options{});
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0), {.busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBusy));
      const std::uint16_t port = (*listener)->local()->port();
      Crowd silent({.port = port, .clients = 150, .talk = false});
      EXPECT_TRUE(co_await sleep(700ms));
      Crowd newcomers({.port = port, .clients = 5});
      const auto outcome = co_await report_of(*on.loop, newcomers);
      EXPECT_EQ(outcome.ok, 5);
      EXPECT_LT(outcome.slowest_ms, 1500);  // 10 on an idle machine
      EXPECT_GT(on.governor.counters().shed_silent, 0U);
    });
  }(server));
}

TEST_F(GovernorTest, AnAdminListenerIsServedWhenEverythingIsFull) {
  const LowLimit limit(40);
  Server server;
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0), {.busy = "busy\n"});
    auto admin = on.network.listen(Address::loopback(0),
                                   {.listener_class = ListenerClass::kAdmin, .busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBusy));
      scope.start(serve(**admin, Idleness::kBusy));
      Crowd crowd({.port = (*listener)->local()->port(), .clients = 60});
      const auto first = co_await report_of(*on.loop, crowd);
      EXPECT_EQ(first.ok + first.busy, 60);
      {
        Crowd operators({.port = (*admin)->local()->port(), .clients = 2});
        const auto served = co_await report_of(*on.loop, operators);
        EXPECT_EQ(served.ok, 2);
        Crowd third({.port = (*admin)->local()->port(), .clients = 1});
        const auto refused = co_await report_of(*on.loop, third);
        EXPECT_EQ(refused.busy, 1);
      }
      EXPECT_TRUE(co_await sleep(20ms));
      Crowd again({.port = (*admin)->local()->port(), .clients = 2});
      const auto served = co_await report_of(*on.loop, again);
      EXPECT_EQ(served.ok, 2);
    });
  }(server));
  EXPECT_EQ(server.governor.reserve_held(), 10U);
}

TEST_F(GovernorTest, WithoutALobbyTheListenerPausesShrinksItsQueueAndWakesAtAClose) {
  const LowLimit limit(40);
  std::set<GovernorEvent> events;
  Server server({.lobby = 0,
                 .admin = 0,
                 .silent_grace = 10s,
                 .pause_first = 20ms,
                 .shrink_after = 50ms,
                 .on_event = [&](GovernorEvent event, std::uint64_t) { events.insert(event); }});
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0));
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBusy));
      const std::uint16_t port = (*listener)->local()->port();
      std::optional<Crowd> crowd;
      crowd.emplace(test::CrowdPlan{.port = port, .clients = 60, .patience_ms = 300});
      const auto first = co_await report_of(*on.loop, *crowd);
      EXPECT_GT(first.hang, 0);
      EXPECT_EQ(on.governor.counters().shrunk, 1U);
      crowd.reset();
      Crowd late({.port = port, .clients = 5});
      const auto second = co_await report_of(*on.loop, late);
      EXPECT_EQ(second.ok, 5);
      EXPECT_FALSE((*listener)->paused());
    });
  }(server));
  const auto counters = server.governor.counters();
  EXPECT_GT(counters.pauses, 0U);
  EXPECT_LT(counters.pauses, 30U);
  EXPECT_GT(counters.paused_ns, 0U);
  for (const auto event : {GovernorEvent::kPressure, GovernorEvent::kRelief, GovernorEvent::kPaused,
                           GovernorEvent::kResumed, GovernorEvent::kShrunk}) {
    EXPECT_TRUE(events.contains(event)) << name_of(event);
  }
}

TEST_F(GovernorTest, ShedsUpstreamThenBetweenThenSilentAndNeverOneWithUnreadBytes) {
  loop().run([](Network& net, Loop& on) -> Task<> {
    std::vector<std::pair<Stream, Stream>> pairs;
    const std::vector<Idleness> kinds = {Idleness::kSilent,   Idleness::kBetween,
                                         Idleness::kUpstream, Idleness::kBetween,
                                         Idleness::kBusy,     Idleness::kBetween};
    for (const auto kind : kinds) {
      pairs.push_back(*net.pair());
      pairs.back().first.set_idleness(kind);
    }
    EXPECT_TRUE(co_await pairs[3].second.write("unread"));
    const auto open = [&](std::size_t i) { return !pairs[i].first.ended(); };
    EXPECT_TRUE(net.shed_one());
    EXPECT_FALSE(open(2));
    EXPECT_TRUE(net.shed_one());
    EXPECT_FALSE(open(1));
    EXPECT_TRUE(net.shed_one());
    EXPECT_TRUE(open(3));
    EXPECT_FALSE(open(5));
    EXPECT_FALSE(net.shed_one());  // the silent one is too young
    EXPECT_TRUE(co_await sleep(110ms));
    EXPECT_TRUE(net.shed_one());
    EXPECT_FALSE(open(0));
    EXPECT_FALSE(net.shed_one());
    EXPECT_TRUE(open(4));
    Buffer buffer = pairs[0].first.buffer();
    const auto got = co_await pairs[0].first.read(buffer);
    EXPECT_EQ(got.error().code, ECONNABORTED);
    const auto counters = net.governor().counters();
    EXPECT_EQ(counters.shed_upstream, 1U);
    EXPECT_EQ(counters.shed_between, 2U);
    EXPECT_EQ(counters.shed_silent, 1U);
    EXPECT_EQ(on.count(DescriptorKind::kUnix), pairs.size() * 2 - 4);
  }(network(), loop()));
}

TEST_F(GovernorTest, AReaderIsToldThatItsConnectionWasShed) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    ends->first.set_idleness(Idleness::kBetween);
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Stream& stream) -> Task<> {
        Buffer buffer = stream.buffer();
        const auto got = co_await stream.read(buffer);
        EXPECT_EQ(got.error().code, ECONNABORTED);
        EXPECT_NE(got.error().message().find("make room"), std::string::npos);
      }(ends->first));
      EXPECT_TRUE(net.shed_one());
      co_return;
    });
  }(network()));
}

TEST_F(GovernorTest, AReserveThatCouldNotBeOpenedIsOpenedAtTheNextOwnedClose) {
  auto ends = network().pair();
  ASSERT_TRUE(ends);
  const LowLimit limit(4);
  AcceptGovernor governor(loop().budget(), {.lobby = 4, .admin = 2});
  Network second(loop(), &governor);
  EXPECT_EQ(governor.reserve_held(), 4U);
  EXPECT_EQ(governor.reserve_wanted(), 6U);
  ends->first.close();
  loop().poll();
  EXPECT_EQ(governor.reserve_held(), 5U);
  ends->second.close();
  loop().poll();
  EXPECT_EQ(governor.reserve_held(), 6U);
  EXPECT_EQ(governor.counters().reserve_rearmed, 2U);
}

TEST_F(GovernorTest, AConnectMakesRoomToo) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    auto ends = net.pair();
    ends->first.set_idleness(Idleness::kUpstream);
    const LowLimit limit(0);
    auto client = co_await net.connect(*(*listener)->local());
    EXPECT_TRUE(client);
    EXPECT_TRUE(ends->first.ended());
    const auto second = co_await net.connect(*(*listener)->local());
    EXPECT_EQ(second.error().code, EMFILE);
  }(network()));
}

TEST_F(GovernorTest, AnotherLoopGivesUpItsIdleConnections) {
  const LowLimit limit(60);
  Server server;
  auto other = Loop::create({.budget = &server.budget});
  ASSERT_TRUE(other);
  std::optional<Network> other_network;
  other_network.emplace(**other, &server.governor);
  // The second loop fills the table with idle connections.
  std::vector<std::pair<Stream, Stream>> idle;
  while (server.budget.available() > 3) {
    idle.push_back(*other_network->pair());
    idle.back().first.set_idleness(Idleness::kBetween);
  }
  std::thread thread([&] { (*other)->run(); });
  server.loop->run([](Server& on) -> Task<> {
    auto listener = on.network.listen(Address::loopback(0), {.busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(serve(**listener, Idleness::kBusy));
      for (int round = 0; round < 100 && on.governor.counters().shed_between == 0; ++round) {
        Crowd crowd({.port = (*listener)->local()->port(), .clients = 3});
        const auto outcome = co_await report_of(*on.loop, crowd);
        EXPECT_EQ(outcome.ok + outcome.busy, 3);
      }
    });
  }(server));
  (*other)->stop();
  thread.join();
  EXPECT_GT(server.governor.counters().shed_between, 0U);
  idle.clear();
  other_network.reset();
}

}  // namespace
}  // namespace plumb::runtime
