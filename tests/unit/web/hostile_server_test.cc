// SPDX-License-Identifier: Apache-2.0
// The client with servers that say what a script has them say: they close, stall and speak rubbish
// at every byte.
#include <algorithm>
#include <vector>

#include "plumb/web/client.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class HostileServerTest : public WebTest {
 protected:
  HostileServerTest() {
    client_options.proxies.emplace();
    client_options.decode = false;
    client_options.patience = {.connect = 1s, .head = 30ms, .body = 30ms, .idle = 1s};
  }

  // Says `words` to whoever has asked something, then does what comes after.
  enum class Then { kClose, kReset, kStall };
  struct Act {
    std::string words;
    Then then = Then::kClose;
  };

  // Serves one connection after another with the acts in turn, while `test` runs.
  void against(std::vector<Act> acts, const std::function<Task<>(Client&, std::string)>& test) {
    auto listener = network().listen(Address::loopback(0));
    const auto run = [&](Scope& scope) -> Task<> {
      const auto serve = [&]() -> Task<> {
        for (std::size_t turn = 0;; ++turn) {
          auto stream = co_await (*listener)->accept();
          if (!stream) co_return;
          scope.start(play(*std::move(stream), acts[std::min(turn, acts.size() - 1)]));
        }
      };
      scope.start(serve);
      {
        Client client(network(), client_options);
        co_await test(client, "http://" + (*listener)->local()->text() + "/");
        EXPECT_EQ(client.stats().leased, 0U);
      }
      scope.cancel();
    };
    loop().run(open_scope(run));
  }

  static Task<> play(Stream stream, Act act) {
    for (;;) {  // each request of a kept connection
      std::string heard;
      Buffer buffer = stream.buffer();
      while (heard.find("\r\n\r\n") == std::string::npos) {
        const auto got = co_await stream.read(buffer);
        if (!got || *got == 0) co_return;
        heard.append(buffer.text());
        buffer.clear();
      }
      if (!co_await stream.write(act.words)) co_return;
      if (act.then == Then::kClose) co_return;
      if (act.then == Then::kReset) co_return stream.abort();
    }
  }

  ClientOptions client_options;
};

const std::string kGood = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n";
const std::string kUntilClose = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";

TEST_F(HostileServerTest, EveryCutOfAnAnswerIsAnErrorWithAName) {
  for (const std::string& answer : {kGood, kChunked}) {
    for (const Then then : {Then::kClose, Then::kReset, Then::kStall}) {
      const auto patience = then == Then::kStall ? 30ms : 10'000ms;  // a busy machine is no stall
      client_options.patience.head = client_options.patience.body = patience;
      for (std::size_t cut = 0; cut < answer.size(); cut += then == Then::kStall ? 9 : 1) {
        SCOPED_TRACE(answer.substr(0, cut) + std::to_string(static_cast<int>(then)));
        against({{answer.substr(0, cut), then}}, [&](Client& client, std::string url) -> Task<> {
          const auto reply = co_await client.fetch({.url = url});
          EXPECT_FALSE(reply.ok());
          if (!reply) {
            EXPECT_EQ(reply.error().code, then == Then::kStall ? ETIMEDOUT : ECONNRESET)
                << reply.error().message();
          }
          EXPECT_EQ(client.stats().idle, 0U);
        });
      }
    }
  }
}

TEST_F(HostileServerTest, RubbishAtEveryByte) {
  for (const std::string& answer : {kGood, kChunked}) {
    for (std::size_t at = 0; at < answer.size(); ++at) {
      std::string spoilt = answer;
      spoilt[at] = '\x01';
      against({{spoilt, Then::kClose}}, [&](Client& client, std::string url) -> Task<> {
        const auto reply = co_await client.fetch({.url = url});
        EXPECT_TRUE(reply || reply.error().code == EPROTO || reply.error().code == ECONNRESET);
        EXPECT_EQ(client.stats().idle, 0U);
      });
    }
  }
}

TEST_F(HostileServerTest, AConnectionWithUnaskedBytesIsNotKept) {
  against({{kGood + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", Then::kStall}},
          [&](Client& client, std::string url) -> Task<> {
            for (int i = 0; i < 3; ++i) {
              const auto reply = co_await client.fetch({.url = url});
              EXPECT_TRUE(reply && reply->body == "hello");
            }
            EXPECT_EQ(client.stats().connects, 3U);
            EXPECT_EQ(client.stats().idle, 0U);
          });
}

TEST_F(HostileServerTest, LateBytesOnAnIdleConnectionEndIt) {
  against({{kGood, Then::kStall}}, [&](Client& client, std::string url) -> Task<> {
    const auto reply = co_await client.fetch({.url = url});
    EXPECT_TRUE(reply.ok());
    EXPECT_EQ(client.stats().idle, 1U);
  });
}

TEST_F(HostileServerTest, AnIdleConnectionThatThePeerClosedIsNotKept) {
  against({{kUntilClose, Then::kClose}, {kGood, Then::kClose}},
          [&](Client& client, std::string url) -> Task<> {
            auto reply = co_await client.fetch({.url = url});
            EXPECT_TRUE(reply && reply->body == "hello");
            EXPECT_EQ(client.stats().idle, 0U);
            reply = co_await client.fetch({.url = url});
            EXPECT_TRUE(reply && reply->body == "hello");
            for (int i = 0; i < 100 && client.stats().idle != 0; ++i) {
              [[maybe_unused]] const auto slept = co_await sleep(2ms);
            }
            EXPECT_EQ(client.stats().idle, 0U);
          });
}

// A kept connection dies just as it is used again: what is safe is asked again, once, elsewhere.
TEST_F(HostileServerTest, OnlyWhatIsSafeIsAskedAgain) {
  for (const bool safe : {true, false}) {
    int accepted = 0;
    auto listener = network().listen(Address::loopback(0));
    const auto run = [&](Scope& scope) -> Task<> {
      const auto serve = [&]() -> Task<> {
        for (;;) {
          auto stream = co_await (*listener)->accept();
          if (!stream) co_return;
          ++accepted;
          const auto one_answer_then_death = [](Stream on) -> Task<> {
            Buffer buffer = on.buffer();
            if (const auto got = co_await on.read(buffer); !got || *got == 0) co_return;
            if (!co_await on.write(kGood)) co_return;
            [[maybe_unused]] const auto second = co_await on.read(buffer);
            on.abort();
          };
          scope.start(one_answer_then_death(*std::move(stream)));
        }
      };
      scope.start(serve);
      {
        Client client(network(), client_options);
        const std::string url = "http://" + (*listener)->local()->text() + "/";
        auto reply = co_await client.fetch({.url = url});
        EXPECT_TRUE(reply.ok());
        reply = co_await client.fetch({.method = safe ? "PUT" : "POST", .url = url});
        EXPECT_EQ(reply.ok(), safe);
        EXPECT_EQ(client.stats().retries, safe ? 1U : 0U);
      }
      scope.cancel();
    };
    loop().run(open_scope(run));
    EXPECT_EQ(accepted, safe ? 2 : 1);
  }
}

TEST_F(HostileServerTest, InterimAnswersAndEarlyRefusals) {
  against({{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + kGood, Then::kStall}},
          [&](Client& client, std::string url) -> Task<> {
            const auto reply = co_await client.fetch({.url = url});
            EXPECT_TRUE(reply && reply->body == "hello");
            EXPECT_EQ(client.stats().idle, 1U);
          });
  against({{"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
            Then::kClose}},
          [&](Client& client, std::string url) -> Task<> {
            const std::string body(8 * 1024 * 1024, 'x');
            const auto reply = co_await client.fetch({.method = "POST", .url = url, .body = body});
            // The refusal, or the reset that overtook it.
            EXPECT_TRUE(!reply || reply->status() == 413);
            EXPECT_EQ(client.stats().idle, 0U);
          });
}

TEST_F(HostileServerTest, ABombIsNotUnpacked) {
  client_options.decode = true;
  auto encoder = http::Encoder::make(http::Coding::kGzip);
  std::string bomb(256 * 1024, '\0');
  const std::string zeros(64 * 1024 * 1024, '\0');
  const auto step = encoder->next(zeros, bomb, http::Flush::kEnd);
  ASSERT_TRUE(step.ended);
  bomb.resize(step.produced);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                             std::to_string(bomb.size()) + "\r\n\r\n" + bomb;
  against({{answer, Then::kStall}}, [&](Client& client, std::string url) -> Task<> {
    const auto reply = co_await client.fetch({.url = url});
    EXPECT_TRUE(!reply && reply.error().code == EPROTO) << (reply ? "" : reply.error().message());
  });
}

TEST_F(HostileServerTest, ByAProxy) {
  client_options.proxies->http.reset();
  std::string heard;
  auto listener = network().listen(Address::loopback(0));
  const auto answer = [&](Stream on) -> Task<> {
    Buffer buffer = on.buffer();
    const auto got = co_await on.read(buffer);
    if (!got) co_return;
    heard = std::string(buffer.text());
    const bool connect = heard.starts_with("CONNECT");
    const std::string words =
        connect ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" : kGood;
    [[maybe_unused]] const auto sent = co_await on.write(words);
  };
  const auto run = [&](Scope& scope) -> Task<> {
    scope.start(
        [&]() -> Task<> { [[maybe_unused]] const auto end = co_await (*listener)->serve(answer); });
    auto proxy = Url::parse("http://u:p@" + (*listener)->local()->text());
    client_options.proxies->http = *proxy;
    client_options.proxies->https = *proxy;
    {
      Client client(network(), client_options);
      const auto reply = co_await client.fetch({.url = "http://far.invalid/x?y"});
      EXPECT_TRUE(reply && reply->body == "hello");
      EXPECT_TRUE(
          heard.starts_with("GET http://far.invalid/x?y HTTP/1.1\r\nHost: far.invalid\r\n"));
      EXPECT_NE(heard.find("Proxy-Authorization: Basic dTpw\r\n"), std::string::npos);
      const auto refused = co_await client.fetch({.url = "https://far.invalid/"});
      EXPECT_TRUE(!refused && refused.error().code == EBUSY);
      EXPECT_TRUE(
          heard.starts_with("CONNECT far.invalid:443 HTTP/1.1\r\nHost: far.invalid:443\r\n"));
    }
    scope.cancel();
  };
  loop().run(open_scope(run));
}

}  // namespace
}  // namespace plumb::runtime
