// SPDX-License-Identifier: Apache-2.0
// WebSocket (RFC 6455) over an exchange's connection.
//
//   routes.get("/echo", [](Exchange& exchange) {
//     return serve_websocket(exchange, [](WebSocket& socket) -> Task<> {
//       for (;;) {
//         const auto message = co_await socket.receive();
//         if (!message || !*message) co_return;              // an error; the peer has closed
//         if (!co_await socket.send(**message)) co_return;
//       }
//     });
//   });
//
// Pings are answered within receive(). A peer that says nothing for `silence` is pinged, and given
// up when it stays silent for as long again. When the body ends, the closing handshake is made
// within a bound and the connection closes. One receiver at a time; any task of the loop may send.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "plumb/http/websocket.h"
#include "plumb/loop/task.h"
#include "plumb/net/stream.h"
#include "plumb/web/exchange.h"

namespace plumb::runtime {

struct WebSocketOptions {
  std::uint64_t message = 1024 * 1024;  // the most that a peer may send as one
  std::chrono::milliseconds silence{30'000};
  std::chrono::milliseconds patience{30'000};        // until the peer takes some more
  std::chrono::milliseconds goodbye{1'000};          // for the closing handshake
  std::span<const std::string_view> protocols = {};  // subprotocols that we speak, best first
  // Browsers send where their page came from and keep to no same-origin rule here: a server that
  // trusts cookies must look. Empty: any origin.
  std::span<const std::string_view> origins = {};
};

enum class MessageKind : std::uint8_t { kText, kBinary };

// Valid until the next receive().
struct Message {
  MessageKind kind = MessageKind::kText;
  std::string_view data = {};
};

class WebSocket {
 public:
  // Over a connection whose handshake has been made; `early` is what came behind it.
  WebSocket(Stream& stream, Buffer& early, http::WsRole role, const WebSocketOptions& options);

  // The next message; nothing when the peer has closed, see close_status(). Errors: EPROTO with the
  // fault's name (the peer has been told), EMSGSIZE, ETIMEDOUT (silent), and the stream's own.
  Task<Result<std::optional<Message>>> receive();

  // Done when the kernel has taken all of it. Errors: EPIPE once closing has begun; the stream's.
  class Send;
  [[nodiscard]] Send send(const Message& message);
  [[nodiscard]] Send ping(std::string_view payload = {});

  // Says goodbye and waits for the peer's, for at most `goodbye`.
  Task<> close(std::uint16_t status = 1000, std::string_view reason = {});

  // What the peer's closing frame said; nothing when it gave no code, or did not close.
  std::optional<std::uint16_t> close_status() const noexcept { return close_status_; }
  std::string_view protocol() const noexcept { return protocol_; }
  void set_protocol(std::string_view protocol) { protocol_ = protocol; }

 private:
  void add(http::WsOpcode opcode, std::string_view payload);
  void add_close(std::uint16_t status, std::string_view reason);

  Stream& stream_;
  Buffer& input_;
  Buffer output_;
  http::WsReader reader_;
  http::WsRole role_;
  WebSocketOptions options_;
  std::optional<std::uint16_t> close_status_;
  std::string protocol_;
  bool said_goodbye_ = false;
  bool heard_goodbye_ = false;
};

class WebSocket::Send : public PatientWait {
 public:
  Send(WebSocket& socket, bool refused);
  Result<void> await_resume();

 private:
  Step attempt() override;
  WebSocket& socket_;
};

// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

// Makes the server's handshake; false: the request was no such one and has been answered (400, 403,
// 405 or 426).
Task<Result<std::optional<Exchange::Upgraded>>> upgrade_to_websocket(
    Exchange& exchange, const WebSocketOptions& options, std::string& protocol);

template <typename Body>
Task<> serve_websocket_with(Exchange& exchange, Body body, WebSocketOptions options) {
  std::string protocol;
  auto upgraded = co_await upgrade_to_websocket(exchange, options, protocol);
  if (!upgraded || !*upgraded) co_return;
  WebSocket socket(*(*upgraded)->stream, *(*upgraded)->early, http::WsRole::kServer, options);
  socket.set_protocol(protocol);
  co_await body(socket);
  co_await socket.close();
}

// Serves one WebSocket: runs body(WebSocket&) -> Task<>, then closes.
template <typename Body>
Task<> serve_websocket(Exchange& exchange, Body&& body, const WebSocketOptions& options = {}) {
  return serve_websocket_with(exchange, std::decay_t<Body>(std::forward<Body>(body)), options);
}

}  // namespace plumb::runtime
