// SPDX-License-Identifier: Apache-2.0
// Clients that leave, stall, or send rubbish at every byte of a request: each gets an answer or a
// close, and the server is left as it was.
#include <functional>

#include "plumb/web/server.h"
#include "plumb/web/websocket.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class BrokenRequestsTest : public WebTest {
 protected:
  BrokenRequestsTest() {
    options.patience = {.head = 20ms, .idle = 20ms, .body = 20ms, .write = 1s, .linger = 20ms};
    routes.get("/", [](const Request&) { return Response::text("hello\n"); });
    routes.post("/echo",
                [](const Request& request) { return Response::text(std::string(request.body())); });
    routes.post("/stream", [](Exchange& exchange) -> Task<> {
      if (!exchange.begin(Response(200))) co_return;
      for (;;) {
        const auto piece = co_await exchange.read();
        if (!piece || piece->empty() || !co_await exchange.write(*piece)) co_return;
      }
    });
    routes.get("/ws", [](Exchange& exchange) {
      return serve_websocket(exchange,
                             [](WebSocket& socket) -> Task<> {
                               for (;;) {
                                 const auto message = co_await socket.receive();
                                 if (!message || !*message || !co_await socket.send(**message))
                                   co_return;
                               }
                             },
                             {.silence = 10ms, .goodbye = 20ms});
    });
    std::string frames;
    http::append_frame(frames, http::WsOpcode::kText, "hello",
                       std::array<char, 4>{'m', 'a', 's', 'k'});
    http::append_frame(frames, http::WsOpcode::kClose, "", std::array<char, 4>{'m', 'a', 's', 'k'});
    requests = {
        "GET / HTTP/1.1\r\nHost: t\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
        "POST /stream HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
            frames,
    };
  }

  std::vector<std::string> requests;
};

TEST_F(BrokenRequestsTest, TheClientLeavesAtEveryByte) {
  for (const std::string& request : requests) {
    serving([&](Server& server, Address address) -> Task<> {
      for (std::size_t cut = 0; cut <= request.size(); ++cut) {
        for (const bool reset : {false, true}) {
          auto stream = co_await network().connect(address);
          [[maybe_unused]] const auto sent =
              co_await stream->write(std::string_view(request).substr(0, cut));
          if (reset) stream->abort();
        }
      }
      for (int i = 0; i < 1000 && server.connections() != 0; ++i) {
        [[maybe_unused]] const auto slept = co_await sleep(2ms);
      }
      EXPECT_EQ(server.connections(), 0U);
    });
    EXPECT_GE(last_counters.connections, request.size());
  }
}

TEST_F(BrokenRequestsTest, TheClientStallsAtEveryByte) {
  for (const std::string& request : requests) {
    serving([&](Server&, Address address) -> Task<> {
      const auto all = [&](Scope& scope) -> Task<> {
        for (std::size_t cut = 0; cut <= request.size(); ++cut) {
          // Until the server closes: a hang would meet the test's time limit.
          scope.start([&, cut]() -> Task<> { co_await raw(address, request.substr(0, cut)); });
        }
        co_return;
      };
      co_await open_scope(all);
    });
  }
}

TEST_F(BrokenRequestsTest, RubbishAtEveryByte) {
  options.patience.head = options.patience.body = 1s;  // all at once on a busy machine
  for (const std::string& request : requests) {
    serving([&](Server&, Address address) -> Task<> {
      const auto spoil = [&](std::size_t at, char with) -> Task<> {
        std::string spoilt = request;
        spoilt[at] = with;
        const std::string answer = co_await raw(address, spoilt);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 ")) << at << " " << answer;
      };
      const auto all = [&](Scope& scope) -> Task<> {
        for (std::size_t at = 0; at < request.size(); ++at) {
          for (const char with : {'\0', '\r', '\n', ' ', '\xff'}) {
            scope.start(std::bind_front(spoil, at, with));
          }
        }
        co_return;
      };
      co_await open_scope(all);
    });
  }
}

}  // namespace
}  // namespace plumb::runtime
