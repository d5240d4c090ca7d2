// SPDX-License-Identifier: Apache-2.0
// The strict response parser.
#include <algorithm>

#include "http/scan.h"
#include "http/start_line.h"
#include "plumb/http/parser.h"

namespace plumb::http {

MessageReader::Got ResponseParser::read_status_line(std::string_view input) {
  const char* const base = input.data();
  const std::size_t window =
      std::min({input.size(), std::size_t{limits_.start_line}, std::size_t{limits_.head}});
  const char* const end = base + window;
  const auto more = [&] {
    if (window == limits_.start_line) return stop(Fault::kStartLineTooLong);
    return window == limits_.head ? stop(Fault::kHeadTooLarge) : Got::kMore;
  };

  Fault fault{};
  Piece piece = read_version(base, end, fault);
  if (piece == Piece::kBad) return stop(fault);
  if (piece == Piece::kMore || base + 8 == end) return more();
  if (base[8] != ' ')
    return stop(base[8] >= '0' && base[8] <= '9' ? Fault::kBadVersion : Fault::kBadStartLine);
  int status = 0;
  for (const char* digit = base + 9; digit != base + 12; ++digit) {
    if (digit == end) return more();
    if (*digit < '0' || *digit > '9') return stop(Fault::kBadStatus);
    status = status * 10 + (*digit - '0');
  }
  // RFC 9112 section 4 wants the blank even before an empty reason; many servers leave it out, and
  // the reason means nothing, so its absence is let through.
  const char* const reason = base + 12;
  if (reason == end) return more();
  const char* reason_end = reason;
  if (*reason == ' ') {
    reason_end = scan::value_end(reason, end);
    piece = read_crlf(reason_end, end, Fault::kBadReason, fault);
  } else {
    piece = read_crlf(reason, end, Fault::kBadStatus, fault);
  }
  if (piece == Piece::kMore) return more();
  if (piece == Piece::kBad) return stop(fault);
  if (status < 100) return stop(Fault::kBadStatus);
  if (!version_of(base, head_.version)) return stop(Fault::kUnsupportedVersion);

  head_.status = status;
  const std::size_t blank = reason_end == reason ? 0 : 1;
  line_ = {0, 0, static_cast<std::uint32_t>(12 + blank),
           static_cast<std::uint32_t>(static_cast<std::size_t>(reason_end - reason) - blank)};
  at_ = static_cast<std::size_t>(reason_end - base) + 2;
  start_line_done_ = true;
  return Got::kHead;
}

MessageReader::Got ResponseParser::judge(std::string_view input) {
  head_.reason = input.substr(line_.value, line_.value_size);
  head_.fields = fields(input);
  const Judgement judgement =
      judge_response(framing_fields_, head_.version, head_.status, request_);
  if (judgement.fault) return stop(*judgement.fault);
  head_.framing = judgement.framing;
  if (head_.interim() && ++interim_ > limits_.interim) return stop(Fault::kTooManyInterim);
  return Got::kHead;
}

Step ResponseParser::read_head(std::string_view input) {
  if (ended_) restart();
  if (input.empty()) {
    bytes_wait_ = false;
    return {};
  }
  Got got = expected_ ? Got::kHead : stop(Fault::kUnsolicitedResponse);
  if (got == Got::kHead && !start_line_done_) got = read_status_line(input);
  if (got == Got::kHead) got = read_fields(input);
  if (got == Got::kHead) got = judge(input);
  if (got == Got::kMore) {
    bytes_wait_ = true;
    return {};
  }
  if (got == Got::kFault) return fall(fault_);
  if (head_.framing.kind == BodyKind::kTunnel) {
    state_ = State::kHeld;
    expected_ = false;
  } else {
    state_ = State::kBody;
    body_.restart(head_.framing);
  }
  return {Event::kHead, at_, {}};
}

Step ResponseParser::end_message(Step end) noexcept {
  if (!head_.interim()) expected_ = false;
  const bool last = !head_.interim() && head_.framing.persistence == Persistence::kClose;
  state_ = last ? State::kClosing : State::kHead;
  return end;
}

void ResponseParser::expect(RequestContext request) noexcept {
  expected_ = true;
  request_ = request;
  interim_ = 0;
}

Step ResponseParser::next(std::string_view input) {
  switch (state_) {
    case State::kHead:
      return read_head(input);
    case State::kBody: {
      const Step step = read_body(input);
      return step.event == Event::kEnd ? end_message(step) : step;
    }
    case State::kHeld:
      return {Event::kHeld, 0, {}};
    case State::kClosing:
      if (input.empty()) return {};
      return fall(Fault::kDataAfterClose);
    case State::kFault:
      break;
  }
  return {Event::kFault, 0, {}};
}

}  // namespace plumb::http
