// SPDX-License-Identifier: Apache-2.0
// What both parsers read alike: the field lines of a head, and what of them they act upon; the
// body; the end of input.
#include <algorithm>

#include "http/field_line.h"
#include "plumb/http/field_text.h"
#include "plumb/http/parser.h"

namespace plumb::http {
namespace {

// Keeps what the next head of the same connection will need again.
constexpr std::size_t kUsualFields = 32;

}  // namespace

MessageReader::Got MessageReader::stop(Fault fault) noexcept {
  fault_ = fault;
  return Got::kFault;
}

void MessageReader::restart() noexcept {
  ended_ = false;
  framing_fields_.clear();
  places_.clear();
  at_ = 0;
  host_fields_ = 0;
  start_line_done_ = false;
  expects_continue_ = false;
}

void MessageReader::rest() noexcept {
  if (at_ != 0 && !ended_) return;
  std::vector<FieldPlace>().swap(places_);
}

Fields MessageReader::fields(std::string_view input) const noexcept {
  return {input.data(), places_.data(), places_.size()};
}

MessageReader::Got MessageReader::read_fields(std::string_view input) {
  const char* const base = input.data();
  const std::size_t head_end = std::min<std::size_t>(input.size(), limits_.head);
  if (places_.capacity() == 0) places_.reserve(kUsualFields);
  for (;;) {
    const std::size_t line_limit = at_ + limits_.field_line;
    const std::size_t end = std::min(head_end, line_limit);
    const FieldLine line = read_field_line(base, at_, end, places_.empty());
    if (line.got != FieldLine::Got::kField) [[unlikely]] {
      if (line.got == FieldLine::Got::kFault) return stop(line.fault);
      if (line.got == FieldLine::Got::kMore) {
        if (end == line_limit) return stop(Fault::kFieldLineTooLong);
        return end == limits_.head ? stop(Fault::kHeadTooLarge) : Got::kMore;
      }
      at_ = line.next;
      return Got::kHead;
    }
    at_ = line.next;
    if (places_.size() == limits_.fields) return stop(Fault::kTooManyFields);
    places_.push_back(line.place);
    const std::string_view name(base + line.place.name, line.place.name_size);
    const std::string_view value(base + line.place.value, line.place.value_size);
    if (name.size() == 4 && same_ignoring_case(name, "host")) {
      if (host_fields_++ == 0) host_ = line.place;
    } else if (name.size() == 6 && same_ignoring_case(name, "expect")) {
      expects_continue_ = expects_continue_ || lists(value, "100-continue");
    } else {
      framing_fields_.add(name, value);
    }
  }
}

Step MessageReader::fall(Fault fault, std::size_t consumed) noexcept {
  fault_ = fault;
  state_ = State::kFault;
  return {Event::kFault, consumed, {}};
}

Step MessageReader::read_body(std::string_view input) {
  const BodyStep step = body_.next(input);
  switch (step.what) {
    case BodyStep::What::kContent:
      return {Event::kBody, step.consumed, step.content};
    case BodyStep::What::kFault:
      return fall(body_.fault(), step.consumed);
    case BodyStep::What::kNeedMore:
      return {Event::kNeedMore, step.consumed, {}};
    case BodyStep::What::kEnd:
      break;
  }
  bytes_wait_ = false;
  ended_ = true;
  return {Event::kEnd, step.consumed, {}};
}

std::optional<Fault> MessageReader::end_of_input() {
  if (state_ == State::kFault) return fault_;
  std::optional<Fault> fault;
  if (state_ == State::kHead && bytes_wait_) fault = Fault::kTruncatedHead;
  if (state_ == State::kBody) fault = body_.closed();
  if (fault) fall(*fault);
  return fault;
}

}  // namespace plumb::http
