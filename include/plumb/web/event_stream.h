// SPDX-License-Identifier: Apache-2.0
// Server-sent events (WHATWG HTML, section 9.2): an answer that never ends, to a client that may
// leave at any time without a word. Nobody writes to such a client for hours, so nobody would see
// that it left, and the stream would stay: a leak with a slow fuse. Here somebody always looks.
//
//   routes.get("/events", [&](Exchange& exchange) {
//     return serve_events(exchange, [&](EventStream& events) -> Task<> {
//       while (co_await changed.wait()) {
//         if (!co_await events.send({.data = state()})) co_return;
//       }
//     });
//   });
//
// The body runs until it returns, the client leaves, or the server stops; the latter two cancel its
// waits. A comment is sent after each `heartbeat` of silence, so that a client whose network has
// vanished is noticed too, by the server's patience with writes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plumb/loop/scope.h"
#include "plumb/web/exchange.h"

namespace plumb::runtime {

struct ServerEvent {
  std::string_view data = {};   // may have several lines
  std::string_view event = {};  // its type; empty: "message"
  std::string_view id = {};     // what the client sends back when it comes again
  std::optional<std::chrono::milliseconds> retry = std::nullopt;
};

struct EventStreamOptions {
  std::chrono::milliseconds heartbeat{15'000};
};

class EventStream {
 public:
  EventStream(Exchange& exchange, const EventStreamOptions& options)
      : exchange_(exchange), options_(options) {}

  // Done when the kernel has taken it. EINVAL for a type or id with a line break.
  [[nodiscard]] Exchange::Send send(const ServerEvent& event);
  // What the client had got when it was here last; empty: it is new.
  std::string_view last_id() const;
  Exchange& exchange() noexcept { return exchange_; }

  // For serve_events(): begins the answer; until the client leaves.
  Task<Result<void>> begin();
  Task<> watch();

 private:
  Exchange& exchange_;
  EventStreamOptions options_;
};

template <typename Body>
Task<> serve_events_with(Exchange& exchange, Body body, EventStreamOptions options) {
  EventStream events(exchange, options);
  if (!co_await events.begin()) co_return;
  const auto both = [&](Scope& scope) -> Task<> {
    const auto watch = [&]() -> Task<> {
      co_await events.watch();
      scope.cancel();
    };
    const auto run = [&]() -> Task<> {
      co_await body(events);
      scope.cancel();
    };
    scope.start(watch());
    scope.start(run());
    co_await scope.join();
  };
  co_await open_scope(both);
}

template <typename Body>
Task<> serve_events(Exchange& exchange, Body&& body, EventStreamOptions options = {}) {
  return serve_events_with(exchange, std::decay_t<Body>(std::forward<Body>(body)), options);
}

}  // namespace plumb::runtime
