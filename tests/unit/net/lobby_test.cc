// SPDX-License-Identifier: Apache-2.0
// The lobby, by a governor that never finds room: what newcomers are told, how long they stay, and
// what becomes of listeners when the kernel lacks more than descriptors.
#include <optional>
#include <vector>

#include "network_fixture.h"
#include "plumb/net/governor.h"
#include "plumb/net/tls.h"
#include "support/certificates.h"
#include "support/failing_syscalls.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class LobbyTest : public testing::Test {
 protected:
  explicit LobbyTest(std::size_t headroom = SIZE_MAX / 2)
      : loop_(*Loop::create()),
        governor_(loop_->budget(), {.lobby = 2, .admin = 0, .headroom = headroom, .linger = 100ms}),
        network_(*loop_, &governor_) {}
  void TearDown() override {
    EXPECT_EQ(loop_->census(), Census{});
    EXPECT_EQ(network_.lobby_visitors(), 0U);
    EXPECT_EQ(governor_.reserve_held(), 2U);
  }

  std::unique_ptr<Loop> loop_;
  AcceptGovernor governor_;
  Network network_;
};

Task<> refuse_all(Listener& listener) {
  const auto never = [](Stream) -> Task<> {
    ADD_FAILURE() << "let in";
    co_return;
  };
  const auto ended = co_await listener.serve(never);
  EXPECT_EQ(ended.error().code, ECANCELED);
}

TEST_F(LobbyTest, TellsAClientThatHasSpokenWithoutResettingIt) {
  loop_->run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.busy = "busy\n"});
    auto client = co_await net.connect(*(*listener)->local());
    EXPECT_TRUE(co_await client->write(std::string(30'000, 'x')));
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(refuse_all(**listener));
      const auto heard = co_await read_all(*client);
      EXPECT_TRUE(heard && *heard == "busy\n");
      EXPECT_TRUE(co_await client->write("still talking"));
      client->close();
      while (net.lobby_visitors() != 0) EXPECT_TRUE(co_await sleep(1ms));
    });
    EXPECT_EQ(net.governor().counters().answered_busy, 1U);
  }(network_));
}

TEST_F(LobbyTest, ASilentVisitorStaysForTheLingerAndNoLonger) {
  loop_->run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    auto client = co_await net.connect(*(*listener)->local());
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(refuse_all(**listener));
      const auto began = std::chrono::steady_clock::now();
      const auto heard = co_await read_all(*client);
      EXPECT_TRUE(heard && heard->empty());
      while (net.lobby_visitors() != 0) EXPECT_TRUE(co_await sleep(1ms));
      EXPECT_GE(std::chrono::steady_clock::now() - began, 95ms);
    });
    EXPECT_EQ(net.governor().counters().turned_away, 1U);
  }(network_));
}

TEST_F(LobbyTest, AnsweredVisitorsGiveTheirPlaceToTheNext) {
  loop_->run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.busy = "busy\n"});
    std::vector<Stream> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(*co_await net.connect(*(*listener)->local()));
      EXPECT_TRUE(co_await clients.back().write("hi\n"));
    }
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(refuse_all(**listener));
      for (auto& client : clients) {
        const auto heard = co_await read_all(client);
        EXPECT_TRUE(heard && *heard == "busy\n");
      }
      EXPECT_LE(net.lobby_visitors(), 2U);
      clients.clear();
      while (net.lobby_visitors() != 0) EXPECT_TRUE(co_await sleep(1ms));
    });
    EXPECT_EQ(net.governor().counters().answered_busy, 8U);
  }(network_));
}

TEST_F(LobbyTest, ATlsClientIsToldByAnAlert) {
  const test::Authority authority;
  auto server = *TlsContext::server({.certificates = {authority.sign("localhost")}});
  auto client = *TlsContext::client({.roots_pem = authority.root_pem()});
  loop_->run([](Network& net, TlsContext& ours, TlsContext& theirs) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.tls = &ours});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start(refuse_all(**listener));
      {
        const auto refused = co_await net.connect(*(*listener)->local(),
                                                  {.tls = &theirs, .server_name = "localhost"});
        EXPECT_EQ(refused.error().code, EPROTO);
        EXPECT_NE(refused.error().advice.find("internal error"), std::string::npos)
            << refused.error().message();
      }
      while (net.lobby_visitors() != 0) EXPECT_TRUE(co_await sleep(1ms));
    });
  }(network_, server, client));
}

// With room in plenty, but a kernel that says no.
class ExhaustedTest : public LobbyTest {
 protected:
  ExhaustedTest() : LobbyTest(0) {}
};

TEST_F(ExhaustedTest, AListenerBacksOffWithoutSpinningAndRecovers) {
  loop_->run([](Network& net, Loop& on) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.busy = "busy\n"});
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Listener& serving) -> Task<> {
        const auto greet = [](Stream stream) -> Task<> {
          EXPECT_TRUE(co_await stream.write("hello"));
        };
        [[maybe_unused]] const auto ended = co_await serving.serve(greet);
      }(**listener));
      std::uint64_t pauses = 0;
      for (const int code : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        std::optional<test::FailEvery> failing;
        failing.emplace("accept4", code);
        auto client = co_await net.connect(*(*listener)->local());
        EXPECT_TRUE(client);
        const auto turns = on.counters().turns;
        EXPECT_TRUE(co_await sleep(120ms));
        failing.reset();
        EXPECT_LT(on.counters().turns - turns, 40U) << code;
        const auto counters = net.governor().counters();
        EXPECT_GT(counters.pauses, pauses);
        pauses = counters.pauses;
        const auto heard = co_await read_all(*client);
        EXPECT_TRUE(heard && *heard == "hello") << code;
      }
      const auto counters = net.governor().counters();
      EXPECT_GT(counters.exhausted_process, 0U);
      EXPECT_GT(counters.exhausted_system, 0U);
      EXPECT_GT(counters.exhausted_memory, 0U);
      EXPECT_EQ(counters.answered_busy, 0U);
    });
  }(network_, *loop_));
}

TEST_F(ExhaustedTest, AListenerThatIsUselessSaysSo) {
  loop_->run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    auto client = co_await net.connect(*(*listener)->local());
    const test::FailEvery failing("accept4", EINVAL);
    const auto none = co_await (*listener)->accept();
    EXPECT_EQ(none.error().code, EINVAL);
  }(network_));
}

}  // namespace
}  // namespace plumb::runtime
