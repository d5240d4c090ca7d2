// SPDX-License-Identifier: Apache-2.0
// ExchangeLedger: captured pieces in, exchanges out. Each open file has an observer of its own;
// pieces are put into the order of their times first, because several processors tell of them.
//
// Pure and bounded: connections and finished exchanges that are too many push out the oldest, which
// is counted. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "detect/model/exchange.h"

namespace plumb::detect {

struct ExchangeLimits {
  std::size_t connections = 65536;  // followed at a time
  std::size_t closed = 131'072;     // connections that are remembered when they are over
  std::size_t finished = 100'000;   // exchanges that are kept
  // How long a piece waits for an earlier one. A cause is rarely told later than that.
  std::chrono::nanoseconds order = std::chrono::milliseconds(20);
};

// What is known of a socket from elsewhere, at the time of asking.
struct SocketStanding {
  std::uint64_t lost = 0;    // bytes that were not captured since the last piece
  std::uint64_t unread = 0;  // bytes in its receive queue
  bool waited_on = true;     // a thread waits for what comes on it
};

class ExchangeLedger {
 public:
  explicit ExchangeLedger(const ExchangeLimits& limits = {}) : limits_(limits) {}

  // One of a recording, of which only what is known by now is told.
  void restore(const Connection& connection);

  void add(CapturePiece piece);
  // Takes in the pieces that no earlier one can precede any more.
  void settle(BootTime now);
  // Takes in all of them: nothing more will come.
  void settle_all() { settle(BootTime::max()); }

  // One that was forgotten, because so many came after it, is empty.
  const Connection& connection(ConnectionId id) const;
  // Every connection on which HTTP was seen and that is not forgotten, oldest first.
  std::vector<const Connection*> connections() const;

  // Exchanges that ended since the last call, with their legs matched as far as they are known.
  std::vector<Exchange> take_finished();
  // All that are under way, with their states.
  using Ask = std::function<SocketStanding(SocketInode)>;
  std::vector<Exchange> under_way(const Ask& ask) const;

  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Line {
    Connection connection;
    http::Observer observer;
    std::uint64_t lost_since = 0;  // bytes lost while an exchange was under way
    std::uint32_t frames = 0;      // pieces of HTTP/2 that were looked at
  };
  struct Later {
    bool operator()(const CapturePiece& a, const CapturePiece& b) const { return a.time > b.time; }
  };

  void take(const CapturePiece& piece);
  void take_data(Line& line, const CapturePiece& piece);
  void harvest(Line& line);
  void enter_tls(Line& line, BootTime when);
  void end(Line& line, BootTime when);
  void forget();
  Line& line_of(const CapturePiece& piece);

  ExchangeLimits limits_;
  std::priority_queue<CapturePiece, std::vector<CapturePiece>, Later> pending_;
  std::map<ConnectionId, Line> lines_;
  std::unordered_map<std::uint64_t, ConnectionId> by_socket_;
  std::deque<ConnectionId> closed_;  // those that are over, in the order of their ends
  Connection forgotten_;
  std::vector<Exchange> finished_;
  std::uint32_t next_connection_ = 0;
  std::uint32_t next_exchange_ = 0;
  std::uint64_t dropped_ = 0;
};

// The state of an exchange whose messages came to an end.
FramingState finished_state(const http::ObservedExchange& exchange);

}  // namespace plumb::detect
