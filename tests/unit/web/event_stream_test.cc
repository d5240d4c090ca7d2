// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/event_stream.h"

#include <gtest/gtest.h>

#include "plumb/loop/event.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class EventStreamTest : public WebTest {
 protected:
  Task<> until(const bool& condition) {
    for (int i = 0; i < 500 && !condition; ++i) {
      [[maybe_unused]] const auto slept = co_await sleep(2ms);
    }
  }
};

TEST_F(EventStreamTest, Events) {
  routes.get("/events", [](Exchange& exchange) {
    return serve_events(exchange, [](EventStream& events) -> Task<> {
      const std::string again = "after " + std::string(events.last_id());
      if (!co_await events.send({.data = again, .id = "7"})) co_return;
      if (!co_await events.send({.data = "two\nlines\r\nor three", .event = "news"})) co_return;
      const auto refused = co_await events.send({.data = "x", .event = "a\nb"});
      EXPECT_FALSE(refused.ok());
      if (!co_await events.send({.retry = 3s})) co_return;
    });
  });
  const std::string answer =
      ask("GET /events HTTP/1.0\r\nLast-Event-ID: 6\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_TRUE(has_line(answer, "Content-Type: text/event-stream"));
  EXPECT_TRUE(has_line(answer, "Cache-Control: no-cache, no-transform"));
  EXPECT_EQ(body_of(answer),
            "id: 7\ndata: after 6\n\nevent: news\ndata: two\ndata: lines\ndata: or three\n\n"
            "retry: 3000\n\n");
}

TEST_F(EventStreamTest, AClientThatLeavesEndsItsStream) {
  Event never;
  bool ended = false;
  int code = 0;
  routes.get("/events", [&](Exchange& exchange) {
    return serve_events(exchange, [&](EventStream&) -> Task<> {
      const auto waited = co_await never.wait();
      code = waited ? 0 : waited.error().code;
      ended = true;
    });
  });
  serving([&](Server& server, Address address) -> Task<> {
    {
      auto stream = co_await network().connect(address);
      [[maybe_unused]] const auto sent = co_await stream->write(get("/events", ""));
      co_await read_text(*stream, 1);
    }
    co_await until(ended);
    EXPECT_TRUE(ended);
    EXPECT_EQ(code, ECANCELED);
    for (int i = 0; i < 500 && server.connections() != 0; ++i) {
      [[maybe_unused]] const auto slept = co_await sleep(2ms);
    }
    EXPECT_EQ(server.connections(), 0U);
  });
}

TEST_F(EventStreamTest, SilenceIsFilledWithComments) {
  Event never;
  routes.get("/events", [&](Exchange& exchange) {
    return serve_events(
        exchange,
        [&](EventStream&) -> Task<> { [[maybe_unused]] const auto waited = co_await never.wait(); },
        {.heartbeat = 10ms});
  });
  serving([&](Server& server, Address address) -> Task<> {
    auto stream = co_await network().connect(address);
    [[maybe_unused]] const auto sent = co_await stream->write(get("/events", ""));
    const std::string text = co_await read_text(*stream, 250);
    EXPECT_NE(body_of(text).find("2\r\n:\n\r\n2\r\n:\n"), std::string::npos) << text;
    server.stop(20ms);  // a stream that never ends is ended
    co_await read_text(*stream);
  });
}

}  // namespace
}  // namespace plumb::runtime
