// SPDX-License-Identifier: Apache-2.0
// The loop of reading requests and answering the quick ones.
#include <cerrno>
#include <exception>
#include <utility>

#include "plumb/http/fault.h"
#include "server_connection.h"

namespace plumb::runtime {
namespace {

constexpr int kRounds = 16;                     // then others have their turn
constexpr std::size_t kMostUnsent = 64 * 1024;  // of answers to pipelined requests
constexpr std::size_t kReadAtOnce = BlockPool::kBlock;

bool has_body(const http::Framing& framing) noexcept {
  return framing.kind == http::BodyKind::kChunked ||
         (framing.kind == http::BodyKind::kLength && framing.length != 0);
}

}  // namespace

RequestPump::RequestPump(ServerConnection& connection)
    : PatientWait(connection.stream.core(), connection.server.options.patience.head),
      connection_(connection) {
  connection.pump = this;
}

void RequestPump::enter(Phase phase, std::chrono::nanoseconds patience) noexcept {
  if (phase_ == phase) return;
  phase_ = phase;
  be_patient(patience);
}

void RequestPump::wait_for(Step step) {
  auto& connection = connection_;
  const auto& patience = connection.server.options.patience;
  if (step == Step::kWrite) {
    enter(Phase::kWrite, patience.write);
  } else if (connection.answered != 0 && connection.input.empty() &&
             connection.parser.between_messages()) {
    connection.parser.rest();
    if (!connection.admin) connection.stream.set_idleness(Idleness::kBetween);
    enter(Phase::kIdle, patience.idle);
  } else {
    enter(Phase::kHead, patience.head);
  }
  PatientWait::wait_for(step);
}

bool RequestPump::flush(Step& step) {
  auto& output = connection_.output;
  while (!output.empty()) {
    const auto sent = write_once(output.bytes(), step);
    if (!sent) return false;
    output.consume(*sent);
    if (phase_ == Phase::kWrite) progressed();
  }
  return true;
}

Step RequestPump::attempt() {
  auto& connection = connection_;
  for (int round = 0; round < kRounds; ++round) {
    if (!connection.closing && !answer_input()) return Step::kDone;
    Step step = Step::kDone;
    if (!flush(step)) {
      if (failed()) next_ = Next::kEnd;
      return step;
    }
    if (connection.closing) {
      next_ = Next::kClose;
      return Step::kDone;
    }
    // Requests that waited for room among the answers: no further byte need come for them.
    if (std::exchange(requests_wait_, false)) continue;
    if (connection.server.stopping && connection.input.empty()) return Step::kDone;
    const auto got = read_once(connection.input, kReadAtOnce, step);
    if (!got) return step;
    if (*got == 0) {
      if (connection.parser.closed()) ++connection.server.counters.faults;
      return Step::kDone;
    }
    if (phase_ == Phase::kIdle) {
      connection.stream.set_idleness(Idleness::kBusy);
      phase_ = Phase::kNone;
    }
  }
  return Step::kAgain;
}

bool RequestPump::answer_input() {
  auto& connection = connection_;
  auto& input = connection.input;
  while (!input.empty() && connection.output.size() < kMostUnsent && !connection.closing) {
    const auto step = connection.parser.next(input.text());
    switch (step.event) {
      case http::Event::kNeedMore:
        input.consume(step.consumed);
        return true;
      case http::Event::kHead:
        ++connection.server.counters.requests;
        phase_ = Phase::kNone;
        if (!answer_head(connection.parser.head(), step.consumed)) return false;
        input.consume(step.consumed);
        // The end of a message without a body needs no bytes; asked now, as none may come.
        connection.parser.next({});
        connection.parser.resume();
        break;
      case http::Event::kEnd:
      case http::Event::kBody:
      case http::Event::kHeld:
        input.consume(step.consumed);
        break;
      case http::Event::kFault:
        ++connection.server.counters.faults;
        connection.refuse(http::describe(connection.parser.fault()).status);
        break;
    }
  }
  requests_wait_ = !input.empty() && !connection.closing;
  return true;
}

// True: answered. The views of `head` point into the input.
bool RequestPump::answer_head(const http::RequestHead& head, std::size_t consumed) {
  auto& connection = connection_;
  if (has_body(head.framing)) {
    next_ = Next::kExchange;
    connection.keep_request(head, consumed);
    connection.input.consume(consumed);
    return false;
  }
  Request request(head);
  const auto found = connection.server.routes.find(request);
  if (found.route != nullptr && !std::holds_alternative<PlainHandler>(found.route->handler)) {
    next_ = Next::kExchange;
    connection.keep_request(head, consumed);
    connection.input.consume(consumed);
    return false;
  }
  ++connection.answered;
  connection.begun = false;
  Response response;
  if (found.route == nullptr) {
    response = routed_status(found);
  } else {
    response = call_plain(connection.server, *found.route, request);
  }
  connection.answer(head, response);
  connection.coder.reset();
  if (!connection.writer.ended()) connection.closing = true;
  // The client of a refused CONNECT may have sent bytes for the tunnel already.
  if (head.method == http::Method::kConnect) connection.closing = connection.lingers = true;
  return true;
}

RequestPump::Next RequestPump::await_resume() {
  auto& connection = connection_;
  if (!failed()) return next_;
  if (ended_early() == ETIMEDOUT) {
    ++connection.server.counters.timeouts;
    if (phase_ == Phase::kHead && !connection.input.empty()) {
      connection.refuse(408);
      return Next::kClose;
    }
    if (phase_ == Phase::kWrite) connection.stream.abort();
  }
  return Next::kEnd;
}

void RequestPump::stop() noexcept {
  if (phase_ == Phase::kIdle || (phase_ == Phase::kHead && connection_.input.empty())) {
    finish(connection_.stream.network().loop(), ESHUTDOWN);
  }
}

}  // namespace plumb::runtime
