// SPDX-License-Identifier: Apache-2.0
// Server: HTTP/1.1 for the routes of a Router, over any listeners of its network.
//
//   Server server(network, routes);
//   auto listener = server.listen(Address::loopback(8080));
//   co_await server.serve(**listener);        // until server.stop() or cancelled
//
// What keeps it from leaking: a connection is a task of serve()'s scope; a client that is slow with
// its head, its body, or with taking the answer has a time limit for each; an idle connection has
// one too and is the first to go when descriptors run out (see net/governor.h; newcomers then get a
// 503 with Retry-After); a response is framed by the encoder alone.
// Threads: those of its network's loop. The router and the network outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/http/coding.h"
#include "plumb/http/limits.h"
#include "plumb/net/network.h"
#include "plumb/web/router.h"

namespace plumb::runtime {

class TlsContext;

// How long a client may keep the server waiting.
struct ServerPatience {
  std::chrono::milliseconds head{10'000};   // from a head's first byte, or a connection's begin, to
                                            // the head's end: answered with 408
  std::chrono::milliseconds idle{60'000};   // between two requests
  std::chrono::milliseconds body{30'000};   // between two pieces of a request's body
  std::chrono::milliseconds write{30'000};  // until it takes some more of the answer
  std::chrono::milliseconds linger{1'000};  // after an answer that ends the connection early
  // Bytes a second that a request's body must reach on the whole, not counting the first `body` of
  // waiting and what the handler takes; 0: a byte in time is enough, for ever.
  std::uint64_t body_rate = 240;
};

struct ServerOptions {
  http::Limits limits = {};
  ServerPatience patience = {};
  // Codings offered to clients, best first; empty: bodies go as they are.
  std::vector<http::Coding> codings = {http::Coding::kBrotli, http::Coding::kZstd,
                                       http::Coding::kGzip};
  // What is left of a request's body when its handler has answered is read up to this much, then
  // the connection is closed.
  std::size_t drain = 256 * 1024;
  // Told what a handler threw, or what the encoder refused. Must be quick.
  std::function<void(std::string_view target, const Error&)> on_error = {};
};

struct ServeOptions {
  const TlsContext* tls = nullptr;
  ListenerClass listener_class = ListenerClass::kNormal;
  bool reuse_port = false;
  int backlog = 4096;
};

struct ServerCounters {
  std::uint64_t connections = 0;    // accepted
  std::uint64_t requests = 0;       // whose head was understood
  std::uint64_t faults = 0;         // … was not
  std::uint64_t errors = 0;         // handlers that threw, answers that were refused
  std::uint64_t timeouts = 0;       // clients whose time was over
  std::uint64_t broken = 0;         // answers broken off
  std::uint64_t responses[6] = {};  // by first digit of the status

  friend bool operator==(const ServerCounters&, const ServerCounters&) = default;
};

class Server {
 public:
  Server(Network& network, const Router& routes, ServerOptions options = {});
  ~Server();  // aborts if serve() still runs
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // A listener whose newcomers are told 503 when there is no room. Errors: as Network::listen, and
  // those of the routes.
  Result<std::unique_ptr<Listener>> listen(const Address& address,
                                           const ServeOptions& options = {});

  // Serves until stop(), then as long as the connections need; cancelled: ends them. May run for
  // several listeners side by side. Errors: as Listener::accept.
  Task<Result<void>> serve(Listener& listener);

  // Stops listening, closes idle connections, lets the others finish what they answer, and after
  // `grace` ends them.
  void stop(std::chrono::nanoseconds grace);
  bool stopping() const noexcept;

  const ServerCounters& counters() const noexcept;
  std::size_t connections() const noexcept;  // now

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plumb::runtime
