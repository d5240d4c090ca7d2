// SPDX-License-Identifier: Apache-2.0
// Exchanges as a table.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "detect/report/describe.h"
#include "detect/report/http_document.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kProcessCells = 18;
constexpr std::size_t kLeastProcess = 8;
constexpr std::size_t kStatusCells = 4;
constexpr std::size_t kSizeCells = 8;
constexpr std::size_t kTimeCells = 7;
constexpr std::size_t kLeastTarget = 20;
constexpr std::size_t kOthers = 3 + kStatusCells + kSizeCells + kTimeCells + 5;
constexpr std::chrono::nanoseconds kPatience = 1s;  // what takes less is under way, not stuck

// The first column gives way on a narrow terminal, where a line that wraps would be two.
std::size_t process_cells(const Paper& paper) {
  if (!paper.cuts()) return kProcessCells;
  const std::size_t most = std::max(paper.width, kOthers + kLeastTarget) - kOthers - kLeastTarget;
  return std::clamp(most, kLeastProcess, kProcessCells);
}

Tone tone_of(const HttpDocument& document, const Exchange& exchange) {
  if (is_stuck(document, exchange)) return Tone::kBad;
  if (exchange.state == FramingState::kComplete) return Tone::kPlain;
  return Tone::kWarn;
}

std::chrono::nanoseconds age(const HttpDocument& document, const Exchange& exchange) {
  const auto& [request, response, interim, flaws] = exchange.http;
  const BootTime began = request ? request->began : response ? response->began : document.now;
  const bool complete = exchange.state == FramingState::kComplete && response;
  return (complete ? response->last : document.now) - began;
}

std::string target_text(const HttpDocument& document, const Exchange& exchange) {
  if (!exchange.http.request) return "(its request came before the capture)";
  const http::ObservedRequest& request = *exchange.http.request;
  const std::string target = masked_target(request.target, document.secrets);
  std::string text;
  append_clean(text, request.method);
  text += ' ';
  if (!request.host.empty() && target.starts_with('/')) append_clean(text, request.host);
  append_clean(text, target);
  return text;
}

class Rows {
 public:
  Rows(const HttpDocument& document, const Paper& paper)
      : document_(document), paper_(paper), process_(process_cells(paper)) {
    target_ = std::max(paper.width, kOthers + process_ + 1) - kOthers - process_;
  }

  void append(std::string& out, const Exchange& exchange) const {
    const Connection& connection = document_.ledger.connection(exchange.connection);
    std::string line, process;
    append_clean(process, connection.process);
    fmt::format_to(std::back_inserter(process), "({})", number(connection.pid));
    append_padded(line, paper_.cuts() ? cut_middle(process, process_) : process, process_);
    // ← it was asked, → it asked
    line += connection.role == Role::kServer ? "  ← " : "  → ";
    const auto& response = exchange.http.response;
    append_padded(line, response ? std::to_string(response->status) : "–", kStatusCells + 1);
    append_padded(line, response ? human_size(response->content) : "", kSizeCells, Align::kRight);
    line += ' ';
    append_padded(line, human_duration(age(document_, exchange)), kTimeCells, Align::kRight);
    line += "  ";
    const std::string target = target_text(document_, exchange);
    line += paper_.cuts() ? cut_middle(target, target_) : target;
    paper_.paint(out, tone_of(document_, exchange), line);
    out += '\n';
    append_below(out, exchange, connection);
  }

 private:
  void append_note(std::string& out, Tone tone, const std::string& text) const {
    constexpr std::string_view kIndent = "    ";
    out += kIndent;
    const bool cut = paper_.cuts() && paper_.width > kIndent.size() + kLeastTarget;
    paper_.paint(out, tone, cut ? cut_middle(text, paper_.width - kIndent.size()) : text);
    out += '\n';
  }

  void append_below(std::string& out, const Exchange& exchange,
                    const Connection& connection) const {
    if (exchange.state != FramingState::kComplete) {
      std::string text = state_text(exchange);
      if (connection.tls) text += " · TLS";
      if (connection.remote.port != 0) {
        text += " · ";
        append_endpoint(text, connection.remote, connection.family == 10);
      }
      append_note(out, tone_of(document_, exchange), text);
    }
    append_taken_away(out, exchange);
    for (const http::Flaw& flaw : exchange.http.flaws) {
      // It is the state itself, or the capture's own doing.
      if (flaw.fault == http::Fault::kUnframedResponse || flaw.fault == http::Fault::kGapInHead ||
          flaw.fault == http::Fault::kGapInChunks || flaw.fault == http::Fault::kTruncatedBody) {
        continue;
      }
      append_note(out, Tone::kWarn,
                  fmt::format("{}: {}", flaw.side == http::Side::kClient ? "client" : "server",
                              http::describe(flaw.fault).meaning));
    }
  }

  // What came from upstream and did not go out: with its value where it says how the body ends.
  void append_taken_away(std::string& out, const Exchange& exchange) const {
    constexpr std::array<std::string_view, 3> kOfBody = {"content-length", "transfer-encoding",
                                                         "content-encoding"};
    std::string others;
    for (const FieldDifference& difference : exchange.differences) {
      if (!difference.upstream || difference.downstream) continue;
      std::string text;
      append_clean(text, difference.name);
      if (std::ranges::find(kOfBody, difference.name) == kOfBody.end()) {
        if (difference.name != "connection") others.append(others.empty() ? "" : ", ").append(text);
        continue;
      }
      text += ": ";
      append_clean(text, *difference.upstream);
      append_note(out, Tone::kWarn, text + " came from upstream; it is missing downstream");
    }
    if (!others.empty()) {
      append_note(out, Tone::kFaint, others + " came from upstream and did not go out");
    }
  }

  const HttpDocument& document_;
  const Paper& paper_;
  std::size_t process_;
  std::size_t target_ = kLeastTarget;
};

std::string rest_of_length(const Exchange& exchange) {
  const std::uint64_t length = exchange.http.response ? exchange.http.response->framing.length : 0;
  return fmt::format("{} more bytes of {}", human_count(exchange.missing), human_count(length));
}

}  // namespace

bool is_stuck(const HttpDocument& document, const Exchange& exchange) {
  switch (exchange.state) {
    case FramingState::kComplete:
    case FramingState::kTunnel:
    case FramingState::kUntilClose:
    case FramingState::kUnknown:
      return false;
    case FramingState::kCut:
    case FramingState::kUnanswered:
      return true;
    default:
      break;
  }
  const BootTime last = document.ledger.connection(exchange.connection).last;
  return document.now - last >= kPatience;
}

std::string state_text(const Exchange& exchange) {
  switch (exchange.state) {
    case FramingState::kComplete:
      return "complete";
    case FramingState::kWaitsForLength:
      return "waits for " + rest_of_length(exchange);
    case FramingState::kInChunk:
      return "in a chunk: its end, or the last chunk, is missing";
    case FramingState::kUntilClose:
      return "until close, as the server announced";
    case FramingState::kUnframed:
      return "until close, while the connection is kept: no length, not chunked";
    case FramingState::kNoResponse:
      return "the response never began";
    case FramingState::kRequestUnfinished:
      return "the request was never finished";
    case FramingState::kResponseHead:
      return "the response's head is not complete";
    case FramingState::kUnread:
      return fmt::format("the body is left unread: {} in the receive queue, and nobody reads",
                         human_size(exchange.unread));
    case FramingState::kCut:
      return exchange.missing != 0 ? "the connection ended with " + rest_of_length(exchange)
                                   : "the connection ended inside it";
    case FramingState::kUnanswered:
      return "the connection ended before the response began";
    case FramingState::kTunnel:
      return "a tunnel: what follows is no HTTP/1";
    case FramingState::kUnknown:
      return "unknown: captures were lost";
  }
  return {};
}

void write_http_heading(const Paper& paper, const Sink& sink) {
  std::string line;
  append_padded(line, "PROCESS", process_cells(paper));
  line += "    ";
  append_padded(line, "STAT", kStatusCells + 1);
  append_padded(line, "BODY", kSizeCells, Align::kRight);
  line += ' ';
  append_padded(line, "TIME", kTimeCells, Align::kRight);
  line += "  REQUEST";
  std::string out;
  paper.paint(out, Tone::kStrong, line);
  sink(out += '\n');
}

void write_http_rows(const HttpDocument& document, const Paper& paper, const Sink& sink) {
  const Rows rows(document, paper);
  std::string piece;
  for (const Exchange& exchange : document.exchanges) {
    rows.append(piece, exchange);
    if (!pass_on(piece, sink)) return;
  }
  sink(piece);
}

void write_http_summary(const HttpDocument& document, const Paper& paper, const Sink& sink) {
  std::string out;
  const auto all = document.ledger.connections();
  const auto stuck = std::ranges::count_if(
      document.exchanges, [&](const Exchange& e) { return is_stuck(document, e); });
  paper.paint(
      out, Tone::kStrong,
      fmt::format("{} exchanges on {} connections in {}", human_count(document.exchanges.size()),
                  human_count(all.size()), human_duration(document.duration)));
  if (stuck != 0) {
    paper.paint(
        out, Tone::kBad,
        fmt::format(", {} of them stuck or cut", human_count(static_cast<std::uint64_t>(stuck))));
  }
  out += '\n';
  const auto count = [&](auto which) {
    return static_cast<std::uint64_t>(std::ranges::count_if(all, which));
  };
  if (const auto late = count([](const Connection* c) { return c->late; }); late != 0) {
    out += fmt::format("{} connections were there before and were joined at a message's start\n",
                       human_count(late));
  }
  if (const auto two = count([](const Connection* c) { return c->http2; }); two != 0) {
    const auto grpc = count([](const Connection* c) { return c->grpc; });
    out += fmt::format("{} connections speak HTTP/2, which is not followed{}\n", human_count(two),
                       grpc != 0 ? fmt::format("; {} of them gRPC", human_count(grpc)) : "");
  }
  for (const Connection* c : all) {
    if (c->stray_client + c->stray_server == 0) continue;
    append_clean(out, c->process);
    out += fmt::format("({}) fd {}: {} bytes came after the end of a {}\n", number(c->pid),
                       number(c->fd), human_count(c->stray_client + c->stray_server),
                       c->stray_client != 0 ? "request" : "response");
  }
  if (document.losses.events != 0) {
    out += fmt::format("{} captures were lost: what they belong to is unknown\n",
                       human_count(document.losses.events));
  }
  if (document.losses.sockets + document.losses.targets + document.ledger.dropped() != 0) {
    out += fmt::format("{} connections, {} processes and {} exchanges were too many to follow\n",
                       human_count(document.losses.sockets), human_count(document.losses.targets),
                       human_count(document.ledger.dropped()));
  }
  if (document.losses.passed_over != 0) {
    out += fmt::format("{} exchanges were too many to look at, but for those that stall\n",
                       human_count(document.losses.passed_over));
  }
  if (document.losses.unreadable != 0) {
    out += fmt::format(
        "{} times bytes went through io_uring or a 32-bit process, where they cannot be read: "
        "what they belong to is unknown\n",
        human_count(document.losses.unreadable));
  }
  if (document.losses.sessions != 0) {
    out += fmt::format("{} calls of TLS libraries were on connections that are not known\n",
                       human_count(document.losses.sessions));
  }
  for (const std::string& blind : document.blinds) out.append(blind).append("\n");
  sink(out);
}

}  // namespace plumb::detect
