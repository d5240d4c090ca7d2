// SPDX-License-Identifier: Apache-2.0
// The server with a client that speaks raw bytes.
#include "plumb/web/server.h"

#include <stdexcept>
#include <thread>

#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class ServerTest : public WebTest {
 protected:
  ServerTest() {
    routes.get("/hello", [](const Request&) { return Response::text("hello\n"); });
    routes.get("/wait", [](const Request&) -> Task<Response> {
      [[maybe_unused]] const auto slept = co_await sleep(1ms);
      co_return Response::text("waited\n");
    });
    routes.get("/throw", [](const Request&) -> Response { throw std::runtime_error("no"); });
    routes.get("/stream", [](Exchange& exchange) -> Task<> {
      if (!exchange.begin(Response(200))) co_return;
      for (int i = 0; i < 3; ++i) {
        if (!co_await exchange.write("piece\n")) co_return;
      }
    });
    routes.post("/echo",
                [](const Request& request) { return Response::text(std::string(request.body())); });
    routes.post("/upper", [](Exchange& exchange) -> Task<> {
      if (!exchange.begin(Response(200))) co_return;
      for (;;) {
        const auto piece = co_await exchange.read();
        if (!piece || piece->empty()) break;
        std::string upper(*piece);
        for (char& c : upper) c = static_cast<char>(std::toupper(c));
        if (!co_await exchange.write(upper)) co_return;
      }
      [[maybe_unused]] const auto ended = co_await exchange.end();
    });
  }
};

TEST_F(ServerTest, AnswersAndCloses) {
  const std::string answer = ask(get("/hello"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has_line(answer, "Content-Length: 6"));
  EXPECT_TRUE(has_line(answer, "Connection: close"));
  EXPECT_TRUE(has_line(answer, "Content-Type: text/plain; charset=utf-8"));
  EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(body_of(answer), "hello\n");
}

TEST_F(ServerTest, WaitingHandlersAndStreams) {
  EXPECT_EQ(body_of(ask(get("/wait"))), "waited\n");
  const std::string streamed = ask(get("/stream"));
  EXPECT_TRUE(has_line(streamed, "Transfer-Encoding: chunked"));
  EXPECT_EQ(body_of(streamed), "6\r\npiece\n\r\n6\r\npiece\n\r\n6\r\npiece\n\r\n0\r\n\r\n");
}

TEST_F(ServerTest, Http10StreamsEndWithTheConnection) {
  const std::string answer = ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(has_line(answer, "Connection: close"));
  EXPECT_EQ(body_of(answer), "piece\npiece\npiece\n");
}

TEST_F(ServerTest, TenThousandPipelinedRequests) {
  std::string requests;
  for (int i = 1; i < 10'000; ++i) requests += get("/hello", "");
  requests += get("/wait");
  std::string answers;
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    const auto both = [&](Scope& scope) -> Task<> {
      const auto send = [&]() -> Task<> {
        const auto sent = co_await stream->write(requests);
        EXPECT_TRUE(sent.ok());
      };
      scope.start(send);
      answers = co_await read_text(*stream);
    };
    co_await open_scope(both);
  });
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("hello\n", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 9'999U);
  EXPECT_TRUE(answers.ends_with("waited\n"));
  EXPECT_EQ(last_counters.requests, 10'000U);
}

TEST_F(ServerTest, RequestBodies) {
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";
  EXPECT_EQ(body_of(ask(head + "Content-Length: 5\r\n\r\nabcde")), "abcde");
  EXPECT_EQ(
      body_of(ask(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
      "abcde");
  EXPECT_EQ(body_of(ask(head + "Content-Length: 0\r\n\r\n")), "");
  EXPECT_TRUE(ask(head + "Content-Length: 2000000\r\n\r\nabc").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(ask(head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc")
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(body_of(ask("POST /upper HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: "
                        "3\r\n\r\nabc")),
            "3\r\nABC\r\n0\r\n\r\n");
}

TEST_F(ServerTest, A100IsSaidToWhoWaitsForIt) {
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    [[maybe_unused]] auto sent = co_await stream->write(
        "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\n");
    const std::string go_on = co_await read_text(*stream, 1);
    EXPECT_EQ(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
    sent = co_await stream->write("abc");
    const std::string answer = co_await read_text(*stream);
    EXPECT_EQ(body_of(answer), "abc");
    // Who is told no is not told to go on.
    const std::string refused = co_await raw(
        address,
        "POST /none HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(has_line(refused, "Connection: keep-alive") == false);
  });
}

TEST_F(ServerTest, UnreadBodiesAreDrainedOrEndTheConnection) {
  serving([&](Server&, Address address) -> Task<> {
    const std::string both =
        co_await raw(address, "POST /none HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nabcde" +
                                  get("/hello"));
    EXPECT_TRUE(both.starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(both.ends_with("hello\n"));
    const std::string large =
        co_await raw(address, "POST /none HTTP/1.1\r\nHost: t\r\nContent-Length: 500000\r\n\r\n" +
                                  std::string(500'000, 'x') + get("/hello"));
    EXPECT_TRUE(large.starts_with("HTTP/1.1 404 "));
    EXPECT_EQ(large.find("hello"), std::string::npos);
  });
}

TEST_F(ServerTest, HandlersThatThrowAreA500AndTheConnectionLives) {
  std::string reported;
  options.on_error = [&](std::string_view target, const Error& error) {
    reported = std::string(target) + ": " + error.message();
  };
  std::string answers;
  serving([&](Server&, Address address) -> Task<> {
    answers = co_await raw(address, get("/throw", "") + get("/hello"));
  });
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(answers.ends_with("hello\n"));
  EXPECT_NE(reported.find("/throw"), std::string::npos);
}

TEST_F(ServerTest, AHandlerCannotFrame) {
  routes.get("/smuggle",
             [](const Request&) { return Response::text("x").set("Content-Length", "7"); });
  routes.get("/split", [](const Request&) { return Response::text("x").set("X", "a\r\nb: c"); });
  EXPECT_TRUE(ask(get("/smuggle")).starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(ask(get("/split")).starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(last_counters.errors, 1U);
}

TEST_F(ServerTest, AnswersThatStopShortAreBrokenOff) {
  routes.get("/short", [](Exchange& exchange) -> Task<> {
    if (!exchange.begin(Response(200), http::BodyLength::known(10))) co_return;
    [[maybe_unused]] const auto sent = co_await exchange.write("abc");
  });
  routes.get("/long", [](Exchange& exchange) -> Task<> {
    if (!exchange.begin(Response(200), http::BodyLength::known(2))) co_return;
    const auto sent = co_await exchange.write("abc");
    EXPECT_FALSE(sent.ok());
  });
  routes.get("/thrown", [](Exchange& exchange) -> Task<> {
    if (!exchange.begin(Response(200))) co_return;
    [[maybe_unused]] const auto sent = co_await exchange.write("abc");
    throw std::runtime_error("in the middle");
  });
  routes.get("/nothing", [](Exchange&) -> Task<> { co_return; });
  EXPECT_EQ(body_of(ask(get("/short", ""))), "abc");
  EXPECT_EQ(last_counters.broken, 1U);
  EXPECT_EQ(body_of(ask(get("/long", ""))), "");
  EXPECT_EQ(body_of(ask(get("/thrown", ""))), "3\r\nabc\r\n");  // no last chunk
  EXPECT_TRUE(ask(get("/nothing")).starts_with("HTTP/1.1 500 "));
}

TEST_F(ServerTest, Faults) {
  EXPECT_TRUE(ask("rubbish\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("GET / HTTP/2.0\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 505 "));
  EXPECT_TRUE(ask(get("/hello", "X: " + std::string(1'000'000, 'x') + "\r\n"))
                  .starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(last_counters.faults, 1U);
}

TEST_F(ServerTest, SlowClients) {
  options.patience = {.head = 50ms, .idle = 80ms, .body = 50ms, .write = 100ms, .linger = 50ms};
  routes.get("/large", [](const Request&) {
    return Response(200, "application/octet-stream", std::string(64 * 1024 * 1024, 'x'));
  });
  EXPECT_EQ(ask(""), "");                                          // never speaks
  EXPECT_TRUE(ask("GET /hello HT").starts_with("HTTP/1.1 408 "));  // a head that stops
  EXPECT_TRUE(ask(get("/hello", "")).ends_with("hello\n"));        // idle, then closed
  EXPECT_TRUE(ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc")
                  .starts_with("HTTP/1.1 408 "));  // a body that stops
  EXPECT_EQ(last_counters.responses[4], 1U);
  serving([&](Server& server, Address address) -> Task<> {  // takes no answer
    auto stream = co_await network().connect(address);
    [[maybe_unused]] const auto sent = co_await stream->write(get("/large"));
    for (int i = 0; i < 100 && server.counters().timeouts == 0; ++i) {
      [[maybe_unused]] const auto slept = co_await sleep(10ms);
    }
    EXPECT_EQ(server.counters().timeouts, 1U);
  });
}

// The loop hangs until the deadline is over, but the rest of the head came before: both are seen in
// one turn, and whoever was late was not the client.
TEST_F(ServerTest, AHeadThatCameInTimeIsAnsweredHoweverLateTheLoopIs) {
  options.patience.head = 300ms;
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    const std::string request = get("/hello");
    EXPECT_TRUE(co_await stream->write(request.substr(0, 20)));
    [[maybe_unused]] const auto slept = co_await sleep(5ms);
    EXPECT_TRUE(co_await stream->write(request.substr(20)));
    std::this_thread::sleep_for(400ms);
    EXPECT_EQ(body_of(co_await read_text(*stream)), "hello\n");
  });
  EXPECT_EQ(last_counters.timeouts, 0U);
}

TEST_F(ServerTest, ALateByteDoesNotBuyAHeadMoreTime) {
  options.patience.head = 100ms;
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    std::string answer;
    const auto both = [&](Scope& scope) -> Task<> {
      const auto drip = [&]() -> Task<> {
        for (const char c : get("/hello")) {
          if (!co_await stream->write(std::string_view(&c, 1))) co_return;
          if (!co_await sleep(10ms)) co_return;
        }
      };
      scope.start(drip);
      answer = co_await read_text(*stream);
    };
    co_await open_scope(Ending::kCancel, both);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  });
}

// A byte every 20 ms, each in time, would keep a connection and its handler for ever.
TEST_F(ServerTest, ABodyThatDripsMeetsTheLeastRate) {
  options.patience.body = 300ms;
  options.patience.body_rate = 1'000'000;
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n";
  std::size_t dripped = 0;
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    EXPECT_TRUE(co_await stream->write(head));
    const auto drip = [&]() -> Task<> {
      for (;;) {
        if (!co_await stream->write("x") || !co_await sleep(20ms)) co_return;
        ++dripped;
      }
    };
    const auto both = [&](Scope& scope) -> Task<> {
      scope.start(drip);
      co_await read_text(*stream);
    };
    co_await open_scope(Ending::kCancel, both);
  });
  EXPECT_LT(dripped, 100U);
}

TEST_F(ServerTest, ABodyThatReachesTheLeastRateMayTakeItsTime) {
  options.patience.body = 2s;
  options.patience.body_rate = 1;
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n";
  serving([&](Server&, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    EXPECT_TRUE(co_await stream->write(head + "Connection: close\r\n\r\n"));
    for (int i = 0; i < 10; ++i) {  // longer altogether than the patience with one piece
      EXPECT_TRUE(co_await sleep(250ms));
      EXPECT_TRUE(co_await stream->write("12345"));
    }
    EXPECT_EQ(body_of(co_await read_text(*stream)).size(), 50U);
  });
}

TEST_F(ServerTest, StopLetsTheRunningFinishAndEndsTheIdle) {
  routes.get("/slow", [](const Request&) -> Task<Response> {
    [[maybe_unused]] const auto slept = co_await sleep(100ms);
    co_return Response::text("finished\n");
  });
  serving([&](Server& server, Address address) -> Task<> {
    auto idle = co_await network().connect(address);
    auto busy = co_await network().connect(address);
    [[maybe_unused]] auto sent = co_await idle->write(get("/hello", ""));
    const std::string first = co_await read_text(*idle, 1);
    sent = co_await busy->write(get("/slow", ""));
    [[maybe_unused]] const auto slept = co_await sleep(20ms);
    server.stop(5s);
    EXPECT_EQ(co_await read_text(*idle), "");
    const std::string answer = co_await read_text(*busy);
    EXPECT_TRUE(answer.ends_with("finished\n"));
    EXPECT_TRUE(has_line(answer, "Connection: close"));
  });
}

TEST_F(ServerTest, StopEndsWhatDoesNotFinish) {
  routes.get("/forever", [](const Request&) -> Task<Response> {
    [[maybe_unused]] const auto slept = co_await sleep(1h);
    co_return Response::text("never\n");
  });
  serving([&](Server& server, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    [[maybe_unused]] const auto sent = co_await stream->write(get("/forever", ""));
    [[maybe_unused]] const auto slept = co_await sleep(20ms);
    server.stop(50ms);
    co_await read_text(*stream);
  });
}

TEST_F(ServerTest, AnswersAreCompressedForThoseWhoAskForIt) {
  routes.get("/text", [](const Request&) { return Response::text(std::string(10'000, 'a')); });
  const std::string plain = ask(get("/text"));
  EXPECT_EQ(body_of(plain).size(), 10'000U);
  EXPECT_TRUE(has_line(plain, "Vary: Accept-Encoding"));
  const std::string coded = ask(get("/text", "Accept-Encoding: gzip\r\nConnection: close\r\n"));
  EXPECT_TRUE(has_line(coded, "Content-Encoding: gzip"));
  EXPECT_LT(coded.size(), 1'000U);
}

}  // namespace
}  // namespace plumb::runtime
