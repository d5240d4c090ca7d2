// SPDX-License-Identifier: Apache-2.0
// Connections, their observers, and what comes out of them.
#include "detect/model/exchange_ledger.h"

#include <algorithm>
#include <array>
#include <utility>

namespace plumb::detect {
namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n";

// "application/grpc" as a header block has it: as it is, or in the code of RFC 7541, appendix B.
constexpr std::array<std::string_view, 2> kGrpc = {"application/grpc",
                                                   "\x1d\x75\xd0\x62\x0d\x26\x3d\x4c\x4d\x65\x64"};
constexpr std::uint32_t kFramesLookedAt = 64;

bool names_grpc(std::string_view bytes) {
  return std::ranges::any_of(
      kGrpc, [&](std::string_view name) { return bytes.find(name) != std::string_view::npos; });
}

constexpr std::array<std::string_view, 13> kStates = {"complete",
                                                      "waits-for-length",
                                                      "in-chunk",
                                                      "until-close",
                                                      "unframed",
                                                      "no-response",
                                                      "request-unfinished",
                                                      "response-head",
                                                      "unread",
                                                      "cut",
                                                      "unanswered",
                                                      "tunnel",
                                                      "unknown"};

http::Side other(http::Side side) {
  return side == http::Side::kClient ? http::Side::kServer : http::Side::kClient;
}

http::Side side_of(Role role) {
  return role == Role::kClient ? http::Side::kClient : http::Side::kServer;
}

// Which end this is, by who says what: nothing where the bytes begin like neither.
Role role_by(const CapturePiece& piece) {
  if (piece.front.empty()) return Role::kUnknown;
  const bool response = piece.front.starts_with("HTTP/");
  return response == piece.sent ? Role::kServer : Role::kClient;
}

bool over(http::Progress progress) {
  return progress == http::Progress::kComplete || progress == http::Progress::kCut;
}

FramingState state_of_body(const http::ObservedResponse& response) {
  switch (response.framing.kind) {
    case http::BodyKind::kLength:
      return FramingState::kWaitsForLength;
    case http::BodyKind::kChunked:
      return FramingState::kInChunk;
    case http::BodyKind::kUntilClose:
      return FramingState::kUntilClose;
    case http::BodyKind::kUnframed:
      return FramingState::kUnframed;
    case http::BodyKind::kTunnel:
      return FramingState::kTunnel;
    case http::BodyKind::kNone:
      return FramingState::kComplete;
  }
  return FramingState::kUnknown;
}

// Whether a part of that side's message that says how it ends was not captured.
bool has_gap(const http::ObservedExchange& exchange, http::Side side) {
  return std::ranges::any_of(exchange.flaws, [&](const http::Flaw& flaw) {
    return flaw.side == side &&
           (flaw.fault == http::Fault::kGapInHead || flaw.fault == http::Fault::kGapInChunks);
  });
}

// Whether a body of that side is under way, whose bytes need not be seen to be counted.
bool in_body(const http::Observer& observer, http::Side side) {
  return std::ranges::any_of(observer.open(), [&](const http::ObservedExchange& exchange) {
    if (side == http::Side::kClient) {
      return exchange.request && exchange.request->progress == http::Progress::kBody;
    }
    return exchange.response && exchange.response->progress == http::Progress::kBody;
  });
}

std::uint64_t missing_of(const http::ObservedExchange& exchange) {
  if (!exchange.response || exchange.response->framing.kind != http::BodyKind::kLength) return 0;
  const auto& response = *exchange.response;
  return response.framing.length - std::min(response.framing.length, response.content);
}

FramingState open_state(const http::ObservedExchange& exchange) {
  if (exchange.response && !over(exchange.response->progress)) {
    if (exchange.response->progress == http::Progress::kHead) return FramingState::kResponseHead;
    return has_gap(exchange, http::Side::kServer) ? FramingState::kUnknown
                                                  : state_of_body(*exchange.response);
  }
  if (exchange.request && !over(exchange.request->progress)) {
    return has_gap(exchange, http::Side::kClient) ? FramingState::kUnknown
                                                  : FramingState::kRequestUnfinished;
  }
  return FramingState::kNoResponse;
}

}  // namespace

std::string_view name_of(FramingState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::string_view name_of(Role role) {
  return role == Role::kClient ? "client" : role == Role::kServer ? "server" : "unknown";
}

FramingState finished_state(const http::ObservedExchange& exchange) {
  if (!exchange.response) {
    const bool asked = exchange.request && exchange.request->progress == http::Progress::kComplete;
    return asked ? FramingState::kUnanswered : FramingState::kCut;
  }
  if (exchange.response->framing.kind == http::BodyKind::kTunnel) return FramingState::kTunnel;
  if (exchange.response->progress == http::Progress::kCut) return FramingState::kCut;
  if (exchange.request && exchange.request->progress == http::Progress::kCut) {
    return FramingState::kRequestUnfinished;
  }
  return FramingState::kComplete;
}

void ExchangeLedger::restore(const Connection& connection) {
  lines_[connection.id].connection = connection;
}

void ExchangeLedger::add(CapturePiece piece) {
  pending_.push(std::move(piece));
}

void ExchangeLedger::settle(BootTime now) {
  const BootTime until = now == BootTime::max() ? now : now - limits_.order;
  while (!pending_.empty() && pending_.top().time <= until) {
    take(pending_.top());
    pending_.pop();
  }
  forget();
}

ExchangeLedger::Line& ExchangeLedger::line_of(const CapturePiece& piece) {
  const auto known = by_socket_.find(number(piece.socket));
  if (known != by_socket_.end()) return lines_.at(known->second);
  if (by_socket_.size() >= limits_.connections) {
    // The oldest: it has had its time.
    const auto oldest =
        std::ranges::min_element(by_socket_, {}, [](const auto& entry) { return entry.second; });
    by_socket_.erase(oldest);
    ++dropped_;
  }
  const ConnectionId id{next_connection_++};
  by_socket_.emplace(number(piece.socket), id);
  Line& line = lines_[id];
  Connection& connection = line.connection;
  connection.id = id;
  connection.socket = piece.socket;
  connection.pid = piece.pid;
  connection.fd = piece.fd;
  connection.process = piece.name;
  connection.family = piece.family;
  connection.local = piece.local;
  connection.remote = piece.remote;
  connection.tls = piece.tls;
  connection.late = piece.late;
  if (piece.late) line.observer.joined_late();
  return line;
}

void ExchangeLedger::take(const CapturePiece& piece) {
  if (piece.what == CapturePiece::What::kExit) {
    for (auto& [id, line] : lines_) {
      if (line.connection.pid == piece.pid && !line.connection.closed) end(line, piece.time);
    }
    return;
  }
  if (piece.what == CapturePiece::What::kStarted || piece.what == CapturePiece::What::kForked) {
    return;  // its sockets are what they were
  }
  if (piece.what != CapturePiece::What::kData && !by_socket_.contains(number(piece.socket))) {
    return;
  }
  Line& line = line_of(piece);
  line.connection.last = piece.time;
  switch (piece.what) {
    case CapturePiece::What::kData:
      take_data(line, piece);
      break;
    case CapturePiece::What::kPeerEnded:
      line.observer.closed(other(side_of(line.connection.role)), piece.time);
      break;
    case CapturePiece::What::kShut:
      line.observer.closed(side_of(line.connection.role), piece.time);
      break;
    case CapturePiece::What::kClosed:
      end(line, piece.time);
      return;
    case CapturePiece::What::kExit:
    case CapturePiece::What::kStarted:
    case CapturePiece::What::kForked:
      return;
  }
  harvest(line);
}

void ExchangeLedger::take_data(Line& line, const CapturePiece& piece) {
  Connection& connection = line.connection;
  // A worker that took the connection over from whoever accepted it is the one to name.
  connection.pid = piece.pid;
  connection.fd = piece.fd;
  if (connection.http2) {
    if (!connection.grpc && line.frames++ < kFramesLookedAt) {
      connection.grpc = names_grpc(piece.front);
    }
    return;
  }
  if (piece.tls && !connection.tls) enter_tls(line, piece.time);
  if (connection.role == Role::kUnknown) {
    connection.role = piece.accepted ? Role::kServer
                      : piece.called ? Role::kClient
                                     : role_by(piece);
    if (connection.role == Role::kUnknown) return;
  }
  const http::Side side = piece.sent ? side_of(connection.role) : other(side_of(connection.role));
  if (piece.front.starts_with(kHttp2Preface) && connection.exchanges == 0) {
    connection.http2 = true;
    connection.grpc = names_grpc(piece.front);
    return;
  }
  if (piece.lost != 0) {
    if (!line.observer.open().empty()) line.lost_since += piece.lost;
    line.observer.gap(side, piece.lost, piece.time);
    connection.lost += piece.lost;
  }
  // What io_uring moves is counted and cannot be read.
  if (piece.front.empty() && !line.observer.open().empty() && !in_body(line.observer, side)) {
    line.lost_since += piece.total;
  }
  line.observer.bytes(side, piece.front, piece.time);
  const std::uint64_t kept = piece.front.size() + piece.tail.size();
  line.observer.gap(side, piece.total - kept, piece.time);
  line.observer.bytes(side, piece.tail, piece.time);
}

void ExchangeLedger::harvest(Line& line) {
  for (http::ObservedExchange& done : line.observer.take_complete()) {
    Exchange exchange;
    exchange.id = ExchangeId{next_exchange_++};
    exchange.connection = line.connection.id;
    exchange.state = finished_state(done);
    exchange.missing = exchange.state == FramingState::kCut ? missing_of(done) : 0;
    exchange.move = line.observer.move();
    exchange.http = std::move(done);
    ++line.connection.exchanges;
    if (finished_.size() >= limits_.finished) {
      finished_.erase(finished_.begin(), finished_.begin() + 1000);
      dropped_ += 1000;
    }
    finished_.push_back(std::move(exchange));
  }
  if (line.observer.open().empty()) line.lost_since = 0;
  line.connection.stray_client = line.observer.stray(http::Side::kClient);
  line.connection.stray_server = line.observer.stray(http::Side::kServer);
}

// What was asked for in the clear is a tunnel (CONNECT), and what is inside of it begins.
void ExchangeLedger::enter_tls(Line& line, BootTime when) {
  line.observer.closed(http::Side::kClient, when);
  line.observer.closed(http::Side::kServer, when);
  harvest(line);
  line.observer = http::Observer();
  line.lost_since = 0;
  line.connection.tls = true;
}

// Both sides are over: the socket is gone.
void ExchangeLedger::end(Line& line, BootTime when) {
  line.observer.closed(http::Side::kClient, when);
  line.observer.closed(http::Side::kServer, when);
  harvest(line);
  line.connection.closed = true;
  line.observer = http::Observer();  // its buffers are not needed any more
  by_socket_.erase(number(line.connection.socket));
  closed_.push_back(line.connection.id);
}

void ExchangeLedger::forget() {
  while (closed_.size() > limits_.closed) {
    lines_.erase(closed_.front());
    closed_.pop_front();
  }
}

const Connection& ExchangeLedger::connection(ConnectionId id) const {
  const auto known = lines_.find(id);
  return known == lines_.end() ? forgotten_ : known->second.connection;
}

std::vector<const Connection*> ExchangeLedger::connections() const {
  std::vector<const Connection*> all;
  for (const auto& [id, line] : lines_) all.push_back(&line.connection);
  return all;
}

std::vector<Exchange> ExchangeLedger::take_finished() {
  return std::exchange(finished_, {});
}

std::vector<Exchange> ExchangeLedger::under_way(const Ask& ask) const {
  std::vector<Exchange> all;
  std::uint32_t next = next_exchange_;
  for (const auto& [id, line] : lines_) {
    if (line.connection.closed) continue;
    for (const http::ObservedExchange& open : line.observer.open()) {
      Exchange exchange;
      exchange.id = ExchangeId{next++};
      exchange.connection = id;
      exchange.http = open;
      exchange.move = line.observer.move();
      exchange.state = open_state(open);
      exchange.missing = missing_of(open);
      const SocketStanding standing = ask(line.connection.socket);
      const bool reads_response = line.connection.role == Role::kClient &&
                                  exchange.state != FramingState::kRequestUnfinished;
      const bool reads_request = line.connection.role == Role::kServer &&
                                 exchange.state == FramingState::kRequestUnfinished;
      if (line.lost_since != 0 || standing.lost != 0) {
        exchange.state = FramingState::kUnknown;
      } else if ((reads_response || reads_request) && standing.unread != 0 && !standing.waited_on) {
        exchange.state = FramingState::kUnread;
        exchange.unread = standing.unread;
      }
      all.push_back(std::move(exchange));
    }
  }
  return all;
}

}  // namespace plumb::detect
