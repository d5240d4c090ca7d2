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
// waits. A comment is sent after each `heartbeat`; a client that takes nothing from one heartbeat
// to the next, as one whose network has vanished, has left too.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plumb/loop/timer.h"
#include "plumb/net/read_watch.h"
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

class EventStream : private ReadWatch {
 public:
  // `body`: whose waits end when the client leaves.
  EventStream(Exchange& exchange, const EventStreamOptions& options, Context& body);

  // Done when the kernel has taken it. EINVAL for a type or id with a line break.
  [[nodiscard]] Exchange::Send send(const ServerEvent& event);
  // What the client had got when it was here last; empty: it is new.
  std::string_view last_id() const;
  Exchange& exchange() noexcept { return exchange_; }

  // For serve_events(): begins the answer, and to watch.
  Task<Result<void>> begin();

 private:
  void on_readable() override;
  void beat();

  Exchange& exchange_;
  std::chrono::milliseconds heartbeat_;
  Context& body_;
  Timer timer_;
  std::size_t unsent_ = 0;  // at the last heartbeat
};

template <typename Body>
Task<> serve_events_with(Exchange& exchange, Body body, EventStreamOptions options) {
  Context& self = co_await this_task();
  EventStream events(exchange, options, self);
  if (!co_await events.begin()) co_return;
  co_await body(events);
}

template <typename Body>
Task<> serve_events(Exchange& exchange, Body&& body, EventStreamOptions options = {}) {
  return serve_events_with(exchange, std::decay_t<Body>(std::forward<Body>(body)), options);
}

}  // namespace plumb::runtime
