// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/websocket.h"

#include <gtest/gtest.h>

#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using http::WsOpcode;

const std::string kHandshake =
    "GET /ws HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

class WebSocketTest : public WebTest {
 protected:
  WebSocketTest() {
    options.patience.idle = 50ms;
    routes.get("/ws", [this](Exchange& exchange) {
      return serve_websocket(
          exchange,
          [this](WebSocket& socket) -> Task<> {
            for (;;) {
              const auto message = co_await socket.receive();
              if (!message) {
                error = message.error();
                co_return;
              }
              if (!*message) {
                closed = socket.close_status().value_or(0);
                co_return;
              }
              if ((*message)->data == "enough") co_return;
              if (!co_await socket.send(**message)) co_return;
            }
          },
          socket_options);
    });
  }

  static std::string masked(WsOpcode opcode, std::string_view payload) {
    std::string frame;
    http::append_frame(frame, opcode, payload, std::array<char, 4>{'a', 'b', 'c', 'd'});
    return frame;
  }
  static std::string bare(WsOpcode opcode, std::string_view payload) {
    std::string frame;
    http::append_frame(frame, opcode, payload);
    return frame;
  }
  // What the server says behind its handshake to these frames.
  std::string talk(const std::string& frames) { return body_of(ask(kHandshake + "\r\n" + frames)); }

  WebSocketOptions socket_options;
  std::optional<Error> error;
  std::optional<std::uint16_t> closed;
};

TEST_F(WebSocketTest, TheHandshakeOfTheRfc) {
  const std::string answer = ask(kHandshake + "\r\n" + masked(WsOpcode::kClose, ""));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_TRUE(has_line(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_TRUE(has_line(answer, "Upgrade: websocket"));
}

TEST_F(WebSocketTest, EchoesAndCloses) {
  const std::string goodbye = "\x03\xe8";
  EXPECT_EQ(talk(masked(WsOpcode::kText, "hello") + masked(WsOpcode::kPing, "?") +
                 masked(WsOpcode::kBinary, std::string(70'000, 'x')) +
                 masked(WsOpcode::kClose, "\x03\xe9")),
            bare(WsOpcode::kText, "hello") + bare(WsOpcode::kPong, "?") +
                bare(WsOpcode::kBinary, std::string(70'000, 'x')) +
                bare(WsOpcode::kClose, "\x03\xe9"));
  EXPECT_EQ(closed, 1001);
  EXPECT_EQ(talk(masked(WsOpcode::kText, "enough") + masked(WsOpcode::kText, "late") +
                 masked(WsOpcode::kClose, goodbye)),
            bare(WsOpcode::kClose, goodbye));
}

TEST_F(WebSocketTest, FaultsAreToldWithTheirCode) {
  EXPECT_EQ(talk(masked(WsOpcode::kText, "\xff")), bare(WsOpcode::kClose,
                                                        "\x03\xef"
                                                        "bad-utf8"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, EPROTO);
  EXPECT_EQ(talk(bare(WsOpcode::kText, "x")), bare(WsOpcode::kClose,
                                                   "\x03\xea"
                                                   "not-masked"));
  socket_options.message = 10;
  EXPECT_EQ(talk(masked(WsOpcode::kText, "more than ten")), bare(WsOpcode::kClose,
                                                                 "\x03\xf1"
                                                                 "message-too-large"));
  EXPECT_EQ(error->code, EMSGSIZE);
}

TEST_F(WebSocketTest, RequestsThatAreNone) {
  EXPECT_TRUE(ask(get("/ws")).starts_with("HTTP/1.1 426 "));
  EXPECT_TRUE(has_line(ask(get("/ws")), "Upgrade: websocket"));
  EXPECT_TRUE(
      ask(get("/ws",
              "Upgrade: websocket\r\nConnection: upgrade, close\r\n"
              "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
          .starts_with("HTTP/1.1 426 "));
  EXPECT_TRUE(ask(get("/ws",
                      "Upgrade: websocket\r\nConnection: upgrade, close\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"))
                  .starts_with("HTTP/1.1 400 "));
}

TEST_F(WebSocketTest, OriginsAndProtocols) {
  static constexpr std::string_view kOrigins[] = {"https://good"};
  static constexpr std::string_view kProtocols[] = {"v2", "v1"};
  socket_options.origins = kOrigins;
  socket_options.protocols = kProtocols;
  EXPECT_TRUE(ask(kHandshake + "Origin: https://evil\r\n\r\n").starts_with("HTTP/1.1 403 "));
  const std::string answer =
      ask(kHandshake + "Origin: https://good\r\nSec-WebSocket-Protocol: v1, v2\r\n\r\n" +
          masked(WsOpcode::kClose, ""));
  EXPECT_TRUE(has_line(answer, "Sec-WebSocket-Protocol: v2"));
}

TEST_F(WebSocketTest, ASilentPeerIsPingedThenGivenUp) {
  socket_options.silence = 30ms;
  socket_options.goodbye = 50ms;
  const std::string said = talk("");
  EXPECT_TRUE(said.starts_with(bare(WsOpcode::kPing, ""))) << said;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ETIMEDOUT);
}

}  // namespace
}  // namespace plumb::runtime
