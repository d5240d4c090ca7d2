// SPDX-License-Identifier: Apache-2.0
// The handshake, messages both ways, and the goodbye.
#include "plumb/web/websocket.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base64.h"
#include "plumb/http/field_text.h"
#include "plumb/net/network.h"

namespace plumb::runtime {
namespace {

// 16 bytes in base64.
bool is_key(std::string_view key) {
  const auto is_base64 = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), is_base64);
}

// Every value of a list field that several lines may carry.
bool any_lists(const Request& request, std::string_view name, std::string_view wanted) {
  for (const auto& field : request.head().fields) {
    if (http::same_ignoring_case(field.name, name) && http::lists(field.value, wanted)) return true;
  }
  return false;
}

// Nothing: it is a good request for a WebSocket.
std::optional<Response> objection(const Request& request, const WebSocketOptions& options) {
  if (request.head().method != http::Method::kGet) return Response::plain(405).set("Allow", "GET");
  if (!request.head().upgrade || !any_lists(request, "upgrade", "websocket")) {
    return Response::plain(426).ask_for("websocket");
  }
  if (request.field("sec-websocket-version") != "13") {
    return Response::plain(426).ask_for("websocket").set("Sec-WebSocket-Version", "13");
  }
  const auto key = request.field("sec-websocket-key");
  if (!key || !is_key(*key)) return Response::plain(400);
  const auto origin = request.field("origin");
  if (origin && !options.origins.empty() &&
      std::ranges::find(options.origins, *origin) == options.origins.end()) {
    return Response::plain(403);
  }
  return std::nullopt;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(std::span<const unsigned char>(digest));
}

Task<Result<std::optional<Exchange::Upgraded>>> upgrade_to_websocket(
    Exchange& exchange, const WebSocketOptions& options, std::string& protocol) {
  const Request& request = exchange.request();
  if (auto refused = objection(request, options)) {
    auto said = co_await exchange.respond(*std::move(refused));
    if (!said) co_return std::move(said).error();
    co_return std::optional<Exchange::Upgraded>();
  }
  Response head(101);
  head.set("Sec-WebSocket-Accept", websocket_accept(*request.field("sec-websocket-key")));
  for (const std::string_view spoken : options.protocols) {
    if (!any_lists(request, "sec-websocket-protocol", spoken)) continue;
    protocol = spoken;
    head.set("Sec-WebSocket-Protocol", protocol);
    break;
  }
  auto upgraded = co_await exchange.upgrade("websocket", head);
  if (!upgraded) co_return std::move(upgraded).error();
  co_return std::optional(*upgraded);
}

WebSocket::WebSocket(Stream& stream, Buffer& early, http::WsRole role,
                     const WebSocketOptions& options)
    : stream_(stream),
      input_(early),
      output_(stream.buffer()),
      reader_(role, options.message),
      role_(role),
      options_(options) {}

void WebSocket::add(http::WsOpcode opcode, std::string_view payload) {
  std::string frame;
  std::optional<std::array<char, 4>> mask;
  if (role_ == http::WsRole::kClient) {
    mask.emplace();
    ::RAND_bytes(reinterpret_cast<unsigned char*>(mask->data()), static_cast<int>(mask->size()));
  }
  http::append_frame(frame, opcode, payload, mask);
  output_.append(bytes_of(frame));
}

void WebSocket::add_close(std::uint16_t status, std::string_view reason) {
  if (std::exchange(said_goodbye_, true)) return;
  std::string payload;
  payload += static_cast<char>(status >> 8);
  payload += static_cast<char>(status & 0xff);
  payload += reason.substr(0, 123);
  add(http::WsOpcode::kClose, payload);
}

WebSocket::Send::Send(WebSocket& socket, bool refused)
    : PatientWait(socket.stream_.core(), socket.options_.patience), socket_(socket) {
  if (refused) end_with(fail("send message", "", EPIPE, "the closing handshake has begun"));
}

Step WebSocket::Send::attempt() {
  Step step = Step::kDone;
  while (!failed() && !socket_.output_.empty()) {
    const auto sent = write_once(socket_.output_.bytes(), step);
    if (!sent) return step;
    socket_.output_.consume(*sent);
    progressed();
  }
  return Step::kDone;
}

Result<void> WebSocket::Send::await_resume() {
  if (failed()) return error("send message");
  return {};
}

WebSocket::Send WebSocket::send(const Message& message) {
  const bool refused = said_goodbye_;
  if (!refused) {
    add(message.kind == MessageKind::kText ? http::WsOpcode::kText : http::WsOpcode::kBinary,
        message.data);
  }
  return Send(*this, refused);
}

WebSocket::Send WebSocket::ping(std::string_view payload) {
  const bool refused = said_goodbye_ || payload.size() > 125;
  if (!refused) add(http::WsOpcode::kPing, payload);
  return Send(*this, refused);
}

Task<Result<std::optional<Message>>> WebSocket::receive() {
  using Event = http::WsReader::Event;
  bool pinged = false;
  while (!heard_goodbye_) {
    const auto step = reader_.next(input_.text());
    input_.consume(step.consumed);
    switch (step.event) {
      case Event::kMessage:
        co_return Message{
            reader_.opcode() == http::WsOpcode::kText ? MessageKind::kText : MessageKind::kBinary,
            reader_.payload()};
      case Event::kPing:
        if (!said_goodbye_) add(http::WsOpcode::kPong, reader_.payload());
        continue;
      case Event::kPong:
        continue;
      case Event::kClose:
        heard_goodbye_ = true;
        close_status_ = reader_.close_status();
        add_close(close_status_.value_or(1000), "");
        continue;
      case Event::kFault: {
        const auto fault = reader_.fault();
        add_close(http::close_code(fault), http::name(fault));
        [[maybe_unused]] const auto told = co_await Send(*this, false);
        heard_goodbye_ = true;  // whatever follows cannot be understood
        co_return fail("receive message", std::string(http::name(fault)),
                       fault == http::WsFault::kMessageTooLarge ? EMSGSIZE : EPROTO);
      }
      case Event::kNeedMore:
        break;
    }
    if (auto sent = co_await Send(*this, false); !sent) co_return std::move(sent).error();
    Result<std::size_t> got = 0;
    {
      const auto bound = co_await deadline(options_.silence);
      got = co_await stream_.read(input_);
      if (!got && got.error().code == ETIMEDOUT && !bound.expired()) {
        co_return std::move(got).error();  // a deadline of somebody else's
      }
    }
    if (got && *got == 0) {
      co_return fail("receive message", "", ECONNRESET, "the peer ended without a goodbye");
    }
    if (got) {
      pinged = false;
      continue;
    }
    if (got.error().code != ETIMEDOUT || pinged) co_return std::move(got).error();
    pinged = true;
    if (!said_goodbye_) add(http::WsOpcode::kPing, {});
  }
  [[maybe_unused]] const auto said = co_await Send(*this, false);
  co_return std::optional<Message>();
}

Task<> WebSocket::close(std::uint16_t status, std::string_view reason) {
  const auto kept = co_await shield(options_.goodbye);
  add_close(status, reason);
  if (!co_await Send(*this, false)) co_return;
  while (!heard_goodbye_) {
    const auto message = co_await receive();
    if (!message) co_return;
  }
  // The server closes first (section 7.1.1): what may still come must not turn it into a reset.
  if (!co_await stream_.finish()) co_return;
  for (;;) {
    input_.clear();
    const auto got = co_await stream_.read(input_);
    if (!got || *got == 0) co_return;
  }
}

}  // namespace plumb::runtime
