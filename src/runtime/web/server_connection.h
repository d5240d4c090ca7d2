// SPDX-License-Identifier: Apache-2.0
// ServerConnection: the state of one client's connection: bytes in and out, the parser, and how far
// the answer in hand has got. The pump, the exchange and the conversation work on it in turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http_date.h"
#include "plumb/http/coding.h"
#include "plumb/http/encoder.h"
#include "plumb/http/parser.h"
#include "plumb/loop/list.h"
#include "plumb/loop/timer.h"
#include "plumb/web/exchange.h"
#include "plumb/web/server.h"

namespace plumb::runtime {

class RequestPump;

// What a server's connections share.
class Server::State {
 public:
  State(Network& on, const Router& from, ServerOptions given)
      : network(on), routes(from), options(std::move(given)) {}

  struct Serving : ListNode {
    Serving(Loop& loop, Listener& on, Scope& in)
        : listener(on), scope(in), grace(loop, [this] { scope.cancel(); }) {}
    Listener& listener;
    Scope& scope;
    Timer grace;
  };

  void report(std::string_view target, const Error& error);

  Network& network;
  const Router& routes;
  const ServerOptions options;
  ServerCounters counters;
  DateCache date;
  std::string head;                 // of the answer being encoded
  std::vector<http::Field> fields;  // … and its fields
  List<ServerConnection> connections;
  std::size_t connection_count = 0;
  List<Serving> serving;
  bool stopping = false;
};

class ServerConnection : public ListNode {
 public:
  ServerConnection(Server::State& server, Stream stream);
  ~ServerConnection();

  // Makes `request` the connection's own, independent of the input buffer, and finds its route
  // anew. `consumed` is the head's size.
  Router::Found keep_request(const http::RequestHead& head, std::size_t consumed);
  void forget_request() noexcept;
  Request& request() noexcept { return *request_; }
  // What the handler is given as the request's body.
  void keep_body(std::string body);
  // Some of the body came, for which the server had waited.
  void body_came(std::size_t bytes, std::chrono::nanoseconds waited) noexcept;
  // How long the client may take for the next piece.
  std::chrono::nanoseconds body_patience() const noexcept;

  // Encodes an answer behind what the output holds. EINVAL: the encoder refused; nothing was added.
  Result<void> add_head(const http::RequestHead& request, const Response& head,
                        http::BodyLength length);
  Result<void> add_content(std::string_view content, http::Flush flush);
  Result<void> add_end(std::span<const http::Field> trailers);
  Result<void> add_whole(const http::RequestHead& request, Response& response);
  // As add_whole; where that is refused, a 500.
  void answer(const http::RequestHead& request, Response& response);
  // The answer to a request that cannot be understood; ends the connection.
  void refuse(int status);
  Result<void> add_switch(const http::RequestHead& request, const Response& head,
                          std::string_view protocol);

  Server::State& server;
  Stream stream;
  Buffer input;
  Buffer output;
  http::RequestParser parser;
  http::BodyWriter writer;
  std::optional<http::Encoder> coder;
  RequestPump* pump = nullptr;  // while it waits for a request
  std::size_t taken = 0;        // bytes at the front of the input that the handler still looks at
  std::uint64_t answered = 0;
  bool admin = false;           // of a listener for administration: never given up
  bool body_ended = true;       // of the request in hand
  bool wants_continue = false;  // the client waits for 100 before it sends its body
  bool begun = false;           // the answer in hand
  bool closing = false;         // nothing follows the answer in hand
  bool lingers = false;         // … and input may come that nobody reads
  bool upgraded = false;        // no longer HTTP

 private:
  http::Encoded encode_head(const http::RequestHead& request, const Response& head,
                            http::BodyLength length, std::span<const http::Field> fields);
  std::span<const http::Field> fields_of(const Response& response);
  Result<void> settle(const http::Encoded& encoded, std::string_view target, int status);
  Result<void> add_piece(std::string_view piece);

  std::unique_ptr<Request> request_;
  std::uint64_t body_received_ = 0;  // of the request in hand
  std::chrono::nanoseconds body_waited_{0};
};

// Reads requests and answers those that need no waiting, until something does.
class RequestPump : public PatientWait {
 public:
  enum class Next : std::uint8_t {
    kEnd,       // nothing more to do on this connection
    kClose,     // send the output, then end
    kExchange,  // a request is kept whose handler is a task, or that has a body
  };

  explicit RequestPump(ServerConnection& connection);
  ~RequestPump() { connection_.pump = nullptr; }

  Next await_resume();
  // Between two requests: ends the wait so that the connection closes.
  void stop() noexcept;

 private:
  enum class Phase : std::uint8_t { kNone, kHead, kIdle, kWrite };

  Step attempt() override;
  void wait_for(Step step) override;
  // True: more input is needed, or the output must go first. False: next_ says what to do.
  bool answer_input();
  bool answer_head(const http::RequestHead& head, std::size_t consumed);
  bool flush(Step& step);
  void enter(Phase phase, std::chrono::nanoseconds patience) noexcept;

  ServerConnection& connection_;
  Next next_ = Next::kEnd;
  Phase phase_ = Phase::kNone;
  bool requests_wait_ = false;  // in the input, for room in the output
};

// The answer to a request that has no route.
Response routed_status(const Router::Found& found);
// What the handler of a quick route says; 500 when it throws.
Response call_plain(Server::State& server, const Route& route, const Request& request);

// A whole conversation with one client.
Task<> converse(Server::State& server, Stream stream, ListenerClass listener_class);

}  // namespace plumb::runtime
