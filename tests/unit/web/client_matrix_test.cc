// SPDX-License-Identifier: Apache-2.0
// Every form that an answer can have, read by the client, from a peer that says exactly those
// bytes.
#include "plumb/web/client.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class ClientMatrixTest : public WebTest {
 protected:
  ClientPatience patience = {.head = 10s, .body = 10s};

  // Answers every request of every connection with `answer`; closes behind it where `closes`.
  void against(const std::string& answer, bool closes,
               const std::function<Task<>(Client&, std::string)>& test) {
    auto listener = network().listen(Address::loopback(0));
    const auto play = [&](Stream stream) -> Task<> {
      Buffer heard = stream.buffer();
      for (;;) {
        const auto got = co_await stream.read(heard);
        if (!got || *got == 0) co_return;
        if (heard.text().find("\r\n\r\n") == std::string_view::npos) continue;
        heard.clear();
        if (!co_await stream.write(answer) || closes) co_return;
      }
    };
    const auto run = [&](Scope& scope) -> Task<> {
      scope.start(
          [&]() -> Task<> { [[maybe_unused]] const auto end = co_await (*listener)->serve(play); });
      {
        Client client(network(), {.patience = patience, .proxies = ProxySettings{}});
        co_await test(client, "http://" + (*listener)->local()->text() + "/");
        EXPECT_EQ(client.stats().leased, 0U);
      }
      scope.cancel();
    };
    loop().run(open_scope(run));
  }
};

TEST_F(ClientMatrixTest, EveryForm) {
  const std::string text(5'000, 'x');
  auto encoder = http::Encoder::make(http::Coding::kGzip);
  std::string zipped(2'000, '\0');
  zipped.resize(encoder->next(text, zipped, http::Flush::kEnd).produced);
  struct Form {
    std::string head;
    std::string body;
    bool closes;
  };
  const auto chunked = [](const std::string& body) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    return size + body + "\r\n0\r\n\r\n";
  };
  for (const bool gzip : {false, true}) {
    const std::string& body = gzip ? zipped : text;
    const std::string coding = gzip ? "Content-Encoding: gzip\r\n" : "";
    const std::vector<Form> forms = {
        {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n", body, false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", chunked(body), false},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n", body, true},
        {"HTTP/1.0 200 OK\r\n", body, true},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n",
         body, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "", false},
        {"HTTP/1.1 204 No Content\r\n", "", false},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n", "", false},
    };
    for (const Form& form : forms) {
      for (const std::string method : {"GET", "HEAD"}) {
        SCOPED_TRACE(form.head + coding + method);
        const bool has_body = method == "GET" && !form.body.empty();
        const std::string answer = form.head + coding + "\r\n" + (method == "GET" ? form.body : "");
        against(answer, form.closes, [&](Client& client, std::string url) -> Task<> {
          for (int i = 0; i < 2; ++i) {
            const auto reply = co_await client.fetch({.method = method, .url = url});
            EXPECT_TRUE(reply.ok());
            EXPECT_TRUE(reply && reply->body == (has_body ? text : ""));
          }
          auto live = co_await client.open({.method = method, .url = url});
          EXPECT_TRUE(live.ok());
          const auto body_read = co_await live->read_all(10'000);
          EXPECT_TRUE(body_read && *body_read == (has_body ? text : ""));
          EXPECT_EQ(client.stats().connects, form.closes ? 3U : 1U);
        });
      }
    }
  }
}

// The answer of the first mystery: no length, no chunks, and the connection stays open. To HTTP/1.1
// it ends with the connection, so there is only patience; it costs no more than that.
TEST_F(ClientMatrixTest, AnAnswerWithoutAnEndCostsItsTimeOnly) {
  patience.body = 50ms;
  against(
      "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nhello", false,
      [&](Client& client, std::string url) -> Task<> {
        const auto reply = co_await client.fetch({.url = url});
        EXPECT_TRUE(!reply && (reply.error().code == ETIMEDOUT || reply.error().code == EPROTO));
        EXPECT_EQ(client.stats().idle, 0U);
      });
}

}  // namespace
}  // namespace plumb::runtime
