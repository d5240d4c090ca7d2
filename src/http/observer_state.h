// SPDX-License-Identifier: Apache-2.0
// The two directions of an observed connection, and the exchanges between them.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "http/lenient_head.h"
#include "plumb/http/observer.h"

namespace plumb::http {

struct Observer::Stream {
  enum class Phase : std::uint8_t {
    kLost,      // until something begins like a message
    kHead,      // at the start of a message or inside its head
    kHeadTail,  // behind the part of a head that is kept
    kBody,
    kChunksLost,  // in a chunked body of which a chunk's end was not captured
    kTunnel,
    kEnded,
  };

  Side side;
  Phase phase = Phase::kHead;
  bool known = true;         // where it stands was certain at least once
  std::uint64_t passed = 0;  // bytes of this side, seen or not
  bool astray = false;       // lost because what followed a message's end began none
  std::uint64_t stray = 0;   // bytes passed while astray
  std::string pending = {};  // of a head, or of a chunk line
  BodyParser body = {};
  ObservedExchange* exchange = nullptr;  // whose message is in progress; in State::open
  BootTime began{};
};

struct Observer::State {
  explicit State(const ObserverLimits& limits_of) : limits(limits_of) {}

  Stream& of(Side side) { return side == Side::kClient ? client : server; }
  const Stream& of(Side side) const { return side == Side::kClient ? client : server; }

  void bytes(Stream& stream, std::string_view data, BootTime when);
  void gap(Stream& stream, std::uint64_t count, BootTime when);
  void closed(Stream& stream, BootTime when);
  Move move() const;

  ObserverLimits limits;
  Stream client{.side = Side::kClient};
  Stream server{.side = Side::kServer};
  bool late = false;  // joined inside a living connection
  std::deque<ObservedExchange> open;
  std::vector<ObservedExchange> complete;
  std::uint64_t dropped = 0;

 private:
  std::size_t take_head(Stream& stream, std::string_view data, BootTime when);
  std::size_t skip_head_tail(Stream& stream, std::string_view data, BootTime when);
  std::size_t take_body(Stream& stream, std::string_view data, BootTime when);
  BodyStep step_body(Stream& stream, std::string_view data, BootTime when);
  std::size_t pass_lost_chunks(Stream& stream, std::string_view data, BootTime when);

  void head_done(Stream& stream, std::string_view text, std::optional<Fault> cut, BootTime when);
  void request_head(const LenientHead& head, BootTime when);
  void response_head(const LenientHead& head, BootTime when);
  void body_begins(Stream& stream);
  void message_ends(Stream& stream, Progress progress);
  void settle();

  ObservedExchange* unanswered();
  RequestContext context();
  Progress* progress(const Stream& stream);
  void count_content(const Stream& stream, std::uint64_t size, BootTime when);
  void blame(Stream& stream, Fault fault);
  ObservedExchange& add_exchange();
};

}  // namespace plumb::http
