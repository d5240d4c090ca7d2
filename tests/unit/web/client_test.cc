// SPDX-License-Identifier: Apache-2.0
// The client with plumb's own server.
#include "plumb/web/client.h"

#include <array>

#include "support/certificates.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class ClientTest : public WebTest {
 protected:
  ClientTest() {
    client_options.proxies.emplace();
    options.patience.idle = 5s;
    routes.get("/hello", [](const Request&) { return Response::text("hello\n"); });
    routes.get("/empty", [](const Request&) { return Response(204); });
    routes.get("/large", [](const Request&) { return Response::text(std::string(200'000, 'x')); });
    routes.get("/fields", [](const Request& request) {
      std::string text;
      for (const auto& field : request.head().fields) {
        text.append(field.name).append(": ").append(field.value).append("\n");
      }
      return Response(200, "application/octet-stream", text);
    });
    routes.post("/echo",
                [](const Request& request) { return Response::text(std::string(request.body())); });
    routes.get("/to/{place}", [](const Request& request) {
      return Response::redirect("/" + std::string(request.parameter("place")));
    });
    routes.get("/around", [](const Request&) { return Response::redirect("/around"); });
    routes.get("/slow", [](const Request&) -> Task<Response> {
      [[maybe_unused]] const auto slept = co_await sleep(200ms);
      co_return Response::text("slow\n");
    });
  }

  // Runs `test` with a client and the server's address as text; nothing is leased behind it.
  void asking(const std::function<Task<>(Client&, std::string)>& test) {
    serving([&](Server&, Address address) -> Task<> {
      Client client(network(), client_options);
      co_await test(client, "http://" + address.text());
      EXPECT_EQ(client.stats().leased, 0U);
    });
  }

  ClientOptions client_options;
};

TEST_F(ClientTest, FetchesOverOneConnection) {
  asking([&](Client& client, std::string base) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const std::string url = base + "/hello";
      const auto reply = co_await client.fetch({.url = url});
      EXPECT_TRUE(reply.ok());
      if (!reply) co_return;
      EXPECT_EQ(reply->status(), 200);
      EXPECT_EQ(reply->body, "hello\n");
      EXPECT_EQ(reply->url, url);
      EXPECT_EQ(reply->head.field("content-type"), "text/plain; charset=utf-8");
    }
    const std::string empty_url = base + "/empty";
    const auto empty = co_await client.fetch({.url = empty_url});
    EXPECT_TRUE(empty && empty->status() == 204 && empty->body.empty());
    const auto head = co_await client.fetch({.method = "HEAD", .url = empty_url});
    EXPECT_TRUE(head && head->status() == 204);
    EXPECT_EQ(client.stats().connects, 1U);
    EXPECT_EQ(client.stats().reuses, 4U);
    EXPECT_EQ(client.stats().idle, 1U);
  });
}

TEST_F(ClientTest, BodiesBothWays) {
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string body(300'000, 'b');
    const std::string url = base + "/echo";
    const auto reply = co_await client.fetch({.method = "POST", .url = url, .body = body});
    EXPECT_TRUE(reply && reply->body == body);
    const std::string large = base + "/large";
    const auto too_large = co_await client.fetch({.url = large, .most = 1000});
    EXPECT_TRUE(!too_large && too_large.error().code == EMSGSIZE);
  });
}

TEST_F(ClientTest, ContentIsDecoded) {
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string url = base + "/large";
    const auto reply = co_await client.fetch({.url = url});
    EXPECT_TRUE(reply && reply->body == std::string(200'000, 'x'));
    EXPECT_TRUE(reply->head.field("content-encoding").has_value());
    auto live = co_await client.open({.url = url});
    EXPECT_TRUE(live.ok());
    const auto all = co_await live->read_all(1'000'000);
    EXPECT_TRUE(all && *all == std::string(200'000, 'x'));
    EXPECT_FALSE(live->holds());
  });
}

TEST_F(ClientTest, Redirects) {
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string to_hello = base + "/to/hello";
    const auto reply = co_await client.fetch({.url = to_hello});
    EXPECT_TRUE(reply && reply->body == "hello\n");
    EXPECT_EQ(reply->url, base + "/hello");
    const std::string around = base + "/around";
    const auto endless = co_await client.fetch({.url = around});
    EXPECT_TRUE(!endless && endless.error().code == ELOOP);
  });
  client_options.redirects = 0;
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string url = base + "/to/hello";
    const auto reply = co_await client.fetch({.url = url});
    EXPECT_TRUE(reply && reply->status() == 302);
  });
}

TEST_F(ClientTest, SecretsStayWithTheirOrigin) {
  Router other_routes;
  std::string heard;
  other_routes.get("/end", [&](const Request& request) {
    heard = std::string(request.field("authorization").value_or("none"));
    return Response::text("end");
  });
  Server other(network(), other_routes);
  std::string elsewhere;
  routes.get("/away", [&](const Request&) { return Response::redirect(elsewhere); });
  asking([&](Client& client, std::string base) -> Task<> {
    auto listener = other.listen(Address::loopback(0));
    elsewhere = "http://" + (*listener)->local()->text() + "/end";
    const auto both = [&](Scope& scope) -> Task<> {
      const auto serve = [&]() -> Task<> {
        [[maybe_unused]] const auto served = co_await other.serve(**listener);
      };
      scope.start(serve);
      const std::array secret = {http::Field{"Authorization", "Bearer x"}};
      const std::string url = base + "/away";
      const auto reply = co_await client.fetch({.url = url, .fields = secret});
      EXPECT_TRUE(reply && reply->body == "end");
      EXPECT_EQ(heard, "none");
      other.stop(1s);
    };
    co_await open_scope(both);
  });
}

TEST_F(ClientTest, TimeLimits) {
  client_options.patience.head = 50ms;
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string url = base + "/slow";
    auto reply = co_await client.fetch({.url = url});
    EXPECT_TRUE(!reply && reply.error().code == ETIMEDOUT);
    reply = co_await client.fetch({.url = url, .timeout = 10ms});
    EXPECT_TRUE(!reply && reply.error().code == ETIMEDOUT);
    EXPECT_EQ(client.stats().idle, 0U);
  });
}

TEST_F(ClientTest, MoreThanItsConnectionsWaitForTheirTurn) {
  client_options.per_host = 2;
  asking([&](Client& client, std::string base) -> Task<> {
    int done = 0;
    const auto crowd = [&](Scope& scope) -> Task<> {
      const auto one = [&]() -> Task<> {
        const std::string url = base + "/hello";
        const auto reply = co_await client.fetch({.url = url});
        if (reply && reply->status() == 200) ++done;
      };
      for (int i = 0; i < 50; ++i) scope.start(one);
      co_await scope.join();
    };
    co_await open_scope(crowd);
    EXPECT_EQ(done, 50);
    EXPECT_EQ(client.stats().connects, 2U);
  });
}

TEST_F(ClientTest, WhatCannotBeAsked) {
  asking([&](Client& client, std::string base) -> Task<> {
    const auto code = [&](FetchRequest request) -> Task<int> {
      const auto reply = co_await client.fetch(request);
      co_return reply ? 0 : reply.error().code;
    };
    EXPECT_EQ(co_await code({.url = "ftp://x"}), EINVAL);
    const std::string url = base + "/hello";
    const std::array framing = {http::Field{"Content-Length", "7"}};
    EXPECT_EQ(co_await code({.url = url, .fields = framing}), EINVAL);
    const std::array split = {http::Field{"X", "a\r\nb"}};
    EXPECT_EQ(co_await code({.url = url, .fields = split}), EINVAL);
    EXPECT_EQ(co_await code({.url = "http://127.0.0.1:1/"}), ECONNREFUSED);
    EXPECT_EQ(co_await code({.url = "http://no-such-host.invalid/"}), ENOENT);
    EXPECT_EQ(client.stats().leased + client.stats().idle, 0U);
  });
}

// Gives `count` pieces, a turn of the loop apart; then the end, or `error`.
class Pieces : public BodySource {
 public:
  Pieces(int count, std::optional<std::uint64_t> length, int error = 0)
      : left_(count), length_(length), error_(error) {}
  Task<Result<std::string_view>> next() override {
    if (auto slept = co_await yield(); !slept) co_return slept.error();
    if (left_-- > 0) co_return std::string_view(piece_);
    if (error_ != 0) co_return fail("read rows", "table", error_);
    co_return std::string_view();
  }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  const std::string piece_ = std::string(10'000, 'p');
  int left_;
  std::optional<std::uint64_t> length_;
  int error_;
};

TEST_F(ClientTest, SendsABodyWhileItIsMade) {
  routes.post("/count", [](Exchange& exchange) -> Task<> {
    std::size_t bytes = 0;
    for (;;) {
      const auto piece = co_await exchange.read();
      if (!piece) co_return;
      if (piece->empty()) break;
      bytes += piece->size();
    }
    const auto length = exchange.request().field("content-length");
    const std::string text = std::to_string(bytes) + (length ? " known" : " in chunks");
    [[maybe_unused]] const auto sent = co_await exchange.respond(Response::text(text));
  });
  routes.post("/moved", [](const Request&) { return Response::redirect("/count", 307); });
  options.limits.body = http::kNoBodyLimit;
  asking([&](Client& client, std::string base) -> Task<> {
    const std::string url = base + "/count";
    for (int i = 0; i < 2; ++i) {
      Pieces pieces(500, std::nullopt);
      const auto reply = co_await client.fetch({.method = "POST", .url = url, .source = &pieces});
      EXPECT_TRUE(reply && reply->body == "5000000 in chunks") << reply.error().message();
    }
    Pieces known(3, 30'000);
    const auto reply = co_await client.fetch({.method = "POST", .url = url, .source = &known});
    EXPECT_TRUE(reply && reply->body == "30000 known");
    Pieces nothing(0, std::nullopt);
    const auto empty = co_await client.fetch({.method = "POST", .url = url, .source = &nothing});
    EXPECT_TRUE(empty && empty->body == "0 in chunks");
    // What goes wrong ends the request and its connection.
    Pieces shorter(2, 30'000);
    const auto less = co_await client.fetch({.method = "POST", .url = url, .source = &shorter});
    EXPECT_TRUE(!less && less.error().code == EINVAL);
    Pieces longer(4, 30'000);
    const auto more = co_await client.fetch({.method = "POST", .url = url, .source = &longer});
    EXPECT_TRUE(!more && more.error().code == EINVAL);
    Pieces broken(2, std::nullopt, EIO);
    const auto failed = co_await client.fetch({.method = "POST", .url = url, .source = &broken});
    EXPECT_TRUE(!failed && failed.error().code == EIO);
    // A body that is gone cannot be sent again.
    Pieces once(1, std::nullopt);
    const std::string moved_url = base + "/moved";
    const auto moved = co_await client.fetch({.method = "POST", .url = moved_url, .source = &once});
    EXPECT_TRUE(moved && moved->status() == 307);
  });
  EXPECT_EQ(last_counters.requests, 8U);
}

TEST_F(ClientTest, Tls) {
  test::Authority authority;
  auto server_tls = TlsContext::server({.certificates = {authority.sign("localhost")}});
  auto client_tls = TlsContext::client({.roots_pem = authority.root_pem()});
  ASSERT_TRUE(server_tls && client_tls);
  serve_options.tls = &*server_tls;
  client_options.tls = &*client_tls;
  serving([&](Server&, Address address) -> Task<> {
    Client client(network(), client_options);
    const std::string port = std::to_string(address.port());
    const std::string url = "https://localhost:" + port + "/large";
    for (int i = 0; i < 2; ++i) {
      const auto reply = co_await client.fetch({.url = url});
      EXPECT_TRUE(reply && reply->body.size() == 200'000);
    }
    EXPECT_EQ(client.stats().connects, 1U);
    const std::string wrong = "https://127.0.0.1:" + port + "/hello";
    const auto refused = co_await client.fetch({.url = wrong});
    EXPECT_TRUE(!refused && refused.error().code == EPROTO);
    client_options.tls = nullptr;  // the system's roots do not know the authority
    Client stranger(network(), client_options);
    const auto distrusted = co_await stranger.fetch({.url = url});
    EXPECT_TRUE(!distrusted && distrusted.error().code == EPROTO);
  });
}

}  // namespace
}  // namespace plumb::runtime
