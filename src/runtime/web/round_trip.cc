// SPDX-License-Identifier: Apache-2.0
// Sending and reading until the wanted part of an answer is there.
#include "round_trip.h"

#include <cerrno>

#include "plumb/http/fault.h"

namespace plumb::runtime {

RoundTrip::RoundTrip(ClientConnection& connection, std::string_view body, Until until,
                     std::string& into, std::size_t most, ReplyHead& head)
    : PatientWait(connection.stream.core(), connection.pool.options.patience.head),
      connection_(connection),
      body_(body),
      into_(into),
      most_(most),
      head_(head),
      until_(until) {}

Step RoundTrip::broken(std::string object, int code) {
  return end_with(fail("read answer", std::move(object), code));
}

// True: all of it has gone, or cannot go.
bool RoundTrip::send(Step& step) {
  auto& output = connection_.output;
  while (!output.empty() || !body_.empty()) {
    const auto sent = write_once(output.empty() ? bytes_of(body_) : output.bytes(), step);
    if (!sent && step == Step::kDone) {
      // Perhaps it was refused with words: those are still to be read.
      output.clear();
      body_ = {};
      connection_.keeps = false;
      return true;
    }
    if (!sent) return false;
    if (output.empty()) {
      body_.remove_prefix(*sent);
    } else {
      output.consume(*sent);
    }
    progressed();
  }
  return true;
}

// True: more input is needed. False: over, with `step`.
bool RoundTrip::parse(Step& step) {
  auto& connection = connection_;
  auto& input = connection.input;
  for (;;) {
    const auto parsed = connection.parser.next(input.text());
    switch (parsed.event) {
      case http::Event::kNeedMore:
        input.consume(parsed.consumed);
        return true;
      case http::Event::kHead: {
        const auto& head = connection.parser.head();
        const bool interim = head.interim();
        if (!interim) {
          head_ = ReplyHead(head);
          has_head_ = true;
          connection.keeps =
              connection.keeps && head.framing.persistence == http::Persistence::kKeep;
          be_patient(connection.pool.options.patience.body);
        }
        const auto& framing = head.framing;
        const bool empty = framing.kind == http::BodyKind::kNone ||
                           (framing.kind == http::BodyKind::kLength && framing.length == 0);
        if (framing.kind == http::BodyKind::kLength && until_ == Until::kEnd &&
            framing.length <= most_) {
          into_.reserve(framing.length);
        }
        input.consume(parsed.consumed);
        if (interim || empty || until_ == Until::kEnd) break;
        step = Step::kDone;
        return false;
      }
      case http::Event::kBody:
        if (parsed.body.size() > most_ - into_.size()) {
          step = broken("body", EMSGSIZE);
          return false;
        }
        into_.append(parsed.body);
        input.consume(parsed.consumed);
        break;
      case http::Event::kEnd:
        input.consume(parsed.consumed);
        if (!has_head_) break;  // of an interim answer
        connection.message_ended = true;
        step = Step::kDone;
        return false;
      case http::Event::kHeld:
        step = broken("it became a tunnel", EPROTO);
        return false;
      case http::Event::kFault:
        step = broken(std::string(http::name(connection.parser.fault())), EPROTO);
        return false;
    }
  }
}

Step RoundTrip::attempt() {
  auto& connection = connection_;
  Step step = Step::kDone;
  if (!send(step)) return step;
  for (;;) {
    if (!parse(step)) return step;
    if (connection.peer_finished) {
      return broken("the peer ended before its answer did", ECONNRESET);
    }
    const auto got = read_once(connection.input, BlockPool::kBlock, step);
    if (!got) return step;
    if (*got == 0) {
      connection.peer_finished = true;
      // An answer that ends with its connection is complete now.
      if (const auto fault = connection.parser.closed()) {
        return broken(connection.heard ? std::string(http::name(*fault)) : "the peer ended",
                      ECONNRESET);
      }
      if (!connection.heard) return broken("the peer ended", ECONNRESET);
    } else {
      connection.heard = true;
      progressed();
    }
  }
}

Result<void> RoundTrip::await_resume() {
  if (failed()) return error("ask");
  return {};
}

}  // namespace plumb::runtime
