// SPDX-License-Identifier: Apache-2.0
// The second mystery, as far as C++ lets one write it: a body is forgotten in every way that there
// is, and each time the pool and the descriptors are back where they were, and the line is known.
#include <stdexcept>
#include <thread>
#include <vector>

#include "plumb/web/client.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class ForgottenBodyTest : public WebTest {
 protected:
  ForgottenBodyTest() {
    client_options.proxies.emplace();
    client_options.decode = false;
    routes.get("/small", [](const Request&) { return Response::text(std::string(100'000, 'x')); });
    routes.get("/huge", [](const Request&) {
      return Response(200, "application/octet-stream", std::string(8 * 1024 * 1024, 'x'));
    });
    routes.get("/stalls", [](Exchange& exchange) -> Task<> {
      if (!exchange.begin(Response(200))) co_return;
      if (!co_await exchange.write("a piece")) co_return;
      Buffer heard = exchange.stream().buffer();  // says no more until the client leaves
      [[maybe_unused]] const auto left = co_await exchange.stream().read(heard);
    });
    routes.get("/refused", [](const Request&) { return Response::text("error: denied\n", 401); });
  }

  // Waits until `holds` does, a second at most.
  static Task<> until(const std::function<bool()>& holds) {
    for (int i = 0; i < 200 && !holds(); ++i) {
      [[maybe_unused]] const auto slept = co_await sleep(5ms);
    }
    EXPECT_TRUE(holds());
  }

  // Forgets five times with `forget`, on each of the paths; then demands that all is as before.
  void forgetting(const std::function<Task<>(Client&, std::string)>& forget) {
    for (const std::string path : {"/small", "/huge", "/stalls"}) {
      SCOPED_TRACE(path);
      serving([&](Server& server, Address address) -> Task<> {
        const std::size_t before = loop().census().descriptors;
        {
          Client client(network(), client_options);
          for (int i = 0; i < 5; ++i) {
            co_await forget(client, "http://" + address.text() + path);
            co_await until([&] { return client.stats().draining + client.stats().leased == 0; });
          }
          const auto stats = client.stats();
          EXPECT_EQ(stats.drained + stats.cut, 5U);
          // A short rest is read and its connection used again; a long or slow one is cut off.
          EXPECT_EQ(stats.connects, path == "/small" ? 1U : 5U);
          EXPECT_EQ(stats.idle, path == "/small" ? 1U : 0U);
          EXPECT_EQ(stats.sites.size(), 1U);
          EXPECT_EQ(stats.sites.front().unread, 5U);
          EXPECT_NE(stats.sites.front().where.find("forgotten_body_test.cc:"), std::string::npos);
          co_await until([&] { return loop().census().descriptors == before + 2 * stats.idle; });
        }
        co_await until([&] { return server.connections() == 0; });
        EXPECT_EQ(loop().census().descriptors, before);
      });
    }
  }

  ClientOptions client_options;
};

TEST_F(ForgottenBodyTest, UnnamedTemporary) {
  forgetting([](Client& client, std::string url) -> Task<> {
    EXPECT_TRUE((co_await client.open({.url = url})).ok());
  });
}

TEST_F(ForgottenBodyTest, EarlyReturn) {
  forgetting([](Client& client, std::string url) -> Task<> {
    const auto reply = co_await client.open({.url = url});
    if (reply && reply->status() == 200) co_return;
    ADD_FAILURE();
  });
}

TEST_F(ForgottenBodyTest, AfterOnePiece) {
  forgetting([](Client& client, std::string url) -> Task<> {
    auto reply = co_await client.open({.url = url});
    const auto piece = co_await reply->read();
    EXPECT_TRUE(piece && !piece->empty());
  });
}

TEST_F(ForgottenBodyTest, Exception) {
  forgetting([](Client& client, std::string url) -> Task<> {
    bool caught = false;
    try {
      const auto reply = co_await client.open({.url = url});
      throw std::runtime_error("in the middle");
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

TEST_F(ForgottenBodyTest, ExceptionWithinAScope) {
  forgetting([](Client& client, std::string url) -> Task<> {
    bool caught = false;
    try {
      const auto body = [](LiveReply&) -> Task<Result<int>> {
        throw std::runtime_error("in the middle");
        co_return 1;
      };
      [[maybe_unused]] const auto done = co_await client.with_reply({.url = url}, body);
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

TEST_F(ForgottenBodyTest, ContainerCleared) {
  forgetting([](Client& client, std::string url) -> Task<> {
    std::vector<LiveReply> replies;
    replies.push_back(*co_await client.open({.url = url}));
    EXPECT_EQ(client.stats().leased, 1U);
    replies.clear();
  });
}

TEST_F(ForgottenBodyTest, MovedFromAndAssignedOver) {
  forgetting([](Client& client, std::string url) -> Task<> {
    auto reply = co_await client.open({.url = url});
    LiveReply first = *std::move(reply);
    LiveReply second = std::move(first);
    EXPECT_FALSE(first.holds());  // NOLINT: a moved-from lease holds nothing
    EXPECT_TRUE(second.holds());
    first = std::move(second);
    second = std::move(first);
    EXPECT_EQ(client.stats().leased, 1U);
  });
}

TEST_F(ForgottenBodyTest, CancelledTask) {
  forgetting([](Client& client, std::string url) -> Task<> {
    const auto both = [&](Scope& scope) -> Task<> {
      const auto reads = [&]() -> Task<> {
        auto reply = co_await client.open({.url = url});
        EXPECT_TRUE(reply.ok());
        [[maybe_unused]] const auto slept = co_await sleep(1h);
      };
      scope.start(reads);
      co_await until([&] { return client.stats().leased == 1; });
      scope.cancel();
    };
    co_await open_scope(both);
  });
}

TEST_F(ForgottenBodyTest, EndedOnAnotherThread) {
  forgetting([](Client& client, std::string url) -> Task<> {
    auto reply = co_await client.open({.url = url});
    std::jthread([lease = *std::move(reply)]() mutable {
      const LiveReply gone = std::move(lease);
    }).join();
    EXPECT_EQ(client.stats().leased, 1U);  // its end is posted
    co_await until([&] { return client.stats().leased == 0; });
  });
}

TEST_F(ForgottenBodyTest, ErrorAnswersHoldNothing) {
  serving([&](Server&, Address address) -> Task<> {
    Client client(network(), client_options);
    const std::string url = "http://" + address.text() + "/refused";
    std::vector<LiveReply> kept;
    for (int i = 0; i < 20; ++i) kept.push_back(*co_await client.open({.url = url}));
    EXPECT_EQ(client.stats().leased, 0U);
    EXPECT_EQ(client.stats().connects, 1U);
    const auto text = co_await kept.front().read_all(1000);
    EXPECT_TRUE(text && *text == "error: denied\n");
  });
}

TEST_F(ForgottenBodyTest, LeaseOutlivesItsPoolAndItsLoop) {
  std::optional<LiveReply> lease;
  std::optional<LiveReply> other;
  serving([&](Server&, Address address) -> Task<> {
    Client client(network(), client_options);
    const std::string url = "http://" + address.text() + "/huge";
    lease = *co_await client.open({.url = url});
    other = *co_await client.open({.url = url});
  });
  serving([&](Server&, Address) -> Task<> {
    EXPECT_FALSE(lease->holds());
    const auto piece = co_await lease->read();
    EXPECT_TRUE(!piece && piece.error().code == ECONNRESET);
    lease.reset();
  });
  EXPECT_EQ(network().streams(), 0U);
  std::jthread([&] { other.reset(); }).join();
  loop().poll();
}

TEST_F(ForgottenBodyTest, ALeaseOfWhichNobodyReadsEndsByItself) {
  client_options.patience.body = 50ms;
  serving([&](Server&, Address address) -> Task<> {
    Client client(network(), client_options);
    const std::string url = "http://" + address.text() + "/huge";
    auto reply = co_await client.open({.url = url});
    const auto held = client.stats();
    EXPECT_EQ(held.sites.front().leased, 1U);
    co_await until([&] { return client.stats().leased == 0; });
    const auto stats = client.stats();
    EXPECT_EQ(stats.expired, 1U);
    EXPECT_EQ(stats.sites.front().expired, 1U);
    const auto piece = co_await reply->read();
    EXPECT_TRUE(!piece && piece.error().code == ETIMEDOUT);
  });
}

TEST_F(ForgottenBodyTest, AFinOnALeaseIsSeenAndWhatCameBeforeItKept) {
  routes.get("/breaks", [](Exchange& exchange) -> Task<> {
    if (!exchange.begin(Response(200), http::BodyLength::known(100'000))) co_return;
    const std::string half(50'000, 'x');
    [[maybe_unused]] const auto sent = co_await exchange.write(half);
  });
  serving([&](Server&, Address address) -> Task<> {
    Client client(network(), client_options);
    const std::string url = "http://" + address.text() + "/breaks";
    auto reply = co_await client.open({.url = url});
    auto first = co_await reply->read();
    co_await until([&] { return client.stats().ended_by_peer == 1; });
    std::size_t got = 0;
    while (first && !first->empty()) {
      got += first->size();
      first = co_await reply->read();
    }
    EXPECT_TRUE(!first && first.error().code == ECONNRESET);
    EXPECT_EQ(got, 50'000U);
    EXPECT_EQ(client.stats().leased, 0U);
  });
}

}  // namespace
}  // namespace plumb::runtime
