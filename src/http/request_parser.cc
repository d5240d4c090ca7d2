// SPDX-License-Identifier: Apache-2.0
// The strict request parser.
#include <algorithm>

#include "http/scan.h"
#include "http/start_line.h"
#include "http/target.h"
#include "plumb/http/parser.h"

namespace plumb::http {
namespace {

// RFC 9112 section 2.2 asks servers to skip "at least one" empty line before a request; old clients
// send one behind a POST body. More than a few are an attack on patience.
constexpr std::uint32_t kMostEmptyLines = 4;

}  // namespace

MessageReader::Got RequestParser::read_request_line(std::string_view input) {
  const char* const base = input.data();
  const std::size_t window =
      std::min({input.size(), std::size_t{limits_.start_line}, std::size_t{limits_.head}});
  const char* const end = base + window;
  const auto more = [&] {
    if (window == limits_.start_line) return stop(Fault::kStartLineTooLong);
    return window == limits_.head ? stop(Fault::kHeadTooLarge) : Got::kMore;
  };

  const char* const method_end = scan::token_end(base, end);
  if (method_end == end) return more();
  if (*method_end != ' ' || method_end == base) {
    const bool line_ends = *method_end == '\r' || *method_end == '\n';
    return stop(line_ends ? Fault::kBadStartLine : Fault::kBadMethod);
  }
  const char* const target = method_end + 1;
  const char* const target_end = scan::target_end(target, end);
  if (target_end == end) return more();
  if (*target_end != ' ' || target_end == target) {
    const bool shape = *target_end == '\r' || *target_end == '\n' || *target_end == ' ';
    return stop(shape ? Fault::kBadStartLine : Fault::kBadTarget);
  }
  const char* const version = target_end + 1;
  Fault fault{};
  Piece piece = read_version(version, end, fault);
  if (piece == Piece::kGood) {
    const char* const behind = version + 8;
    const bool blank = behind != end && (*behind == ' ' || *behind == '\t');
    piece = read_crlf(behind, end, blank ? Fault::kBadStartLine : Fault::kBadVersion, fault);
  }
  if (piece == Piece::kMore) return more();
  if (piece == Piece::kBad) return stop(fault);
  if (!version_of(version, head_.version)) return stop(Fault::kUnsupportedVersion);

  line_ = {0, static_cast<std::uint32_t>(method_end - base),
           static_cast<std::uint32_t>(target - base),
           static_cast<std::uint32_t>(target_end - target)};
  at_ = static_cast<std::size_t>(version - base) + 10;
  start_line_done_ = true;
  return Got::kHead;
}

// What can be judged only when the whole head is there: target, Host, framing, in this order.
MessageReader::Got RequestParser::judge(std::string_view input) {
  const char* const base = input.data();
  head_.method_text = {base, line_.name_size};
  head_.target = {base + line_.value, line_.value_size};
  head_.method = method_of(head_.method_text);
  head_.host = host_fields_ > 0 ? std::string_view(base + host_.value, host_.value_size)
                                : std::string_view();
  head_.fields = fields(input);
  head_.expects_continue = expects_continue_ && head_.version == Version::kHttp11;
  head_.upgrade = framing_fields_.upgrade() && head_.version == Version::kHttp11;
  if (!target_fits(head_.method, head_.target)) return stop(Fault::kBadTarget);
  if (host_fields_ > 1) return stop(Fault::kDuplicateHost);
  if (host_fields_ == 0 && head_.version == Version::kHttp11) return stop(Fault::kMissingHost);
  if (!is_host(head_.host)) return stop(Fault::kBadHost);
  const Judgement judgement = judge_request(framing_fields_, head_.version, head_.method);
  if (judgement.fault) return stop(*judgement.fault);
  head_.framing = judgement.framing;
  return Got::kHead;
}

Step RequestParser::read_head(std::string_view input) {
  if (ended_) restart();
  std::size_t skipped = 0;
  if (!start_line_done_) {
    while (input.size() >= 2 && input[0] == '\r' && input[1] == '\n') {
      if (++empty_lines_ > kMostEmptyLines) return fall(Fault::kBadStartLine, skipped);
      input.remove_prefix(2);
      skipped += 2;
    }
  }
  Got got = Got::kHead;
  if (!start_line_done_) {
    if (input == "\r")
      got = Got::kMore;
    else if (input.starts_with('\r'))
      got = stop(Fault::kBareCr);
    else if (input.starts_with('\n'))
      got = stop(Fault::kBareLf);
    else
      got = input.empty() ? Got::kMore : read_request_line(input);
  }
  if (got == Got::kHead) got = read_fields(input);
  if (got == Got::kHead) got = judge(input);
  if (got == Got::kMore) {
    bytes_wait_ = !input.empty();
    return {Event::kNeedMore, skipped, {}};
  }
  if (got == Got::kFault) return fall(fault_, skipped);
  state_ = State::kBody;
  body_.restart(head_.framing);
  return {Event::kHead, skipped + at_, {}};
}

Step RequestParser::end_message(Step end) noexcept {
  if (head_.method == Method::kConnect || head_.upgrade)
    state_ = State::kHeld;
  else if (head_.framing.persistence == Persistence::kClose)
    state_ = State::kClosing;
  else
    state_ = State::kHead;
  empty_lines_ = 0;
  return end;
}

Step RequestParser::next(std::string_view input) {
  switch (state_) {
    case State::kHead:
      return read_head(input);
    case State::kBody: {
      const Step step = read_body(input);
      return step.event == Event::kEnd ? end_message(step) : step;
    }
    case State::kHeld:
      return {Event::kHeld, 0, {}};
    case State::kClosing: {
      // The stray CRLF of old clients behind a body is not worth a fault.
      const std::size_t blank = std::min(input.find_first_not_of("\r\n"), input.size());
      if (blank == input.size()) return {Event::kNeedMore, blank, {}};
      return fall(Fault::kDataAfterClose, blank);
    }
    case State::kFault:
      break;
  }
  return {Event::kFault, 0, {}};
}

void RequestParser::resume() noexcept {
  if (state_ != State::kHeld) return;
  state_ = head_.framing.persistence == Persistence::kClose ? State::kClosing : State::kHead;
}

}  // namespace plumb::http
