// SPDX-License-Identifier: Apache-2.0
// Content of a known length, in chunks, or until the connection closes.
#include "plumb/http/body_parser.h"

#include <algorithm>

#include "http/chunk_line.h"
#include "http/field_line.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

// RFC 9110 section 6.5.1: what frames or routes a message cannot come behind it.
bool forbidden_in_trailer(std::string_view name) {
  for (const std::string_view forbidden : {"content-length", "transfer-encoding", "host",
                                           "connection", "content-encoding", "trailer"}) {
    if (same_ignoring_case(name, forbidden)) return true;
  }
  return false;
}

}  // namespace

BodyParser::BodyParser(const Framing& framing, const Limits& limits)
    : chunk_line_limit_(limits.chunk_line),
      trailer_limit_(limits.trailer),
      fields_limit_(limits.fields),
      body_limit_(limits.body) {
  restart(framing);
}

void BodyParser::restart(const Framing& framing) noexcept {
  state_ = State::kEnd;
  chunked_ = false;
  left_ = 0;
  seen_ = 0;
  places_.clear();
  switch (framing.kind) {
    case BodyKind::kNone:
    case BodyKind::kTunnel:
      break;
    case BodyKind::kLength:
      left_ = framing.length;
      state_ = left_ == 0 ? State::kEnd : State::kCounted;
      if (left_ > body_limit_) {
        state_ = State::kFault;
        fault_ = Fault::kBodyTooLarge;
      }
      break;
    case BodyKind::kChunked:
      chunked_ = true;
      state_ = State::kChunkLine;
      break;
    case BodyKind::kUntilClose:
    case BodyKind::kUnframed:
      state_ = State::kUntilClose;
      break;
  }
}

BodyStep BodyParser::stop(Fault fault, std::size_t used) {
  state_ = State::kFault;
  fault_ = fault;
  return {BodyStep::What::kFault, used, {}};
}

BodyStep BodyParser::next(std::string_view input) {
  std::size_t used = 0;
  for (;;) {
    const std::string_view rest = input.substr(used);
    switch (state_) {
      case State::kCounted:
      case State::kUntilClose:
        if (rest.empty()) return {BodyStep::What::kNeedMore, used, {}};
        return content(rest, used);
      case State::kChunkEnd:
        if (rest.empty()) return {BodyStep::What::kNeedMore, used, {}};
        if (rest[0] != '\r') return stop(Fault::kBadChunkEnd, used);
        if (rest.size() == 1) return {BodyStep::What::kNeedMore, used, {}};
        if (rest[1] != '\n') return stop(Fault::kBadChunkEnd, used);
        used += 2;
        state_ = State::kChunkLine;
        break;
      case State::kChunkLine: {
        const auto line = read_chunk_line(rest.substr(0, chunk_line_limit_));
        if (line.got == ChunkLine::Got::kFault) return stop(line.fault, used);
        if (line.got == ChunkLine::Got::kMore) {
          if (rest.size() >= chunk_line_limit_) return stop(Fault::kChunkLineTooLong, used);
          return {BodyStep::What::kNeedMore, used, {}};
        }
        if (line.size > body_limit_ - seen_) return stop(Fault::kBodyTooLarge, used);
        used += line.next;
        left_ = line.size;
        state_ = line.size == 0 ? State::kTrailer : State::kCounted;
        break;
      }
      case State::kTrailer:
        return trailer(rest, used);
      case State::kEnd:
        return {BodyStep::What::kEnd, used, {}};
      case State::kFault:
        return {BodyStep::What::kFault, used, {}};
    }
  }
}

BodyStep BodyParser::content(std::string_view rest, std::size_t used) {
  const bool counted = state_ == State::kCounted;
  const std::uint64_t most = counted ? left_ : body_limit_ - seen_;
  if (most == 0) return stop(Fault::kBodyTooLarge, used);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), most));
  seen_ += size;
  if (counted) {
    left_ -= size;
    if (left_ == 0) state_ = chunked_ ? State::kChunkEnd : State::kEnd;
  }
  return {BodyStep::What::kContent, used + size, rest.substr(0, size)};
}

// The section is read from its start each time: it is short, and most have no field at all.
BodyStep BodyParser::trailer(std::string_view rest, std::size_t used) {
  const std::size_t end = std::min<std::size_t>(rest.size(), trailer_limit_);
  places_.clear();
  for (std::size_t at = 0;;) {
    const FieldLine line = read_field_line(rest.data(), at, end, places_.empty());
    switch (line.got) {
      case FieldLine::Got::kMore:
        if (end == trailer_limit_) return stop(Fault::kTrailerTooLarge, used);
        return {BodyStep::What::kNeedMore, used, {}};
      case FieldLine::Got::kFault:
        return stop(line.fault, used);
      case FieldLine::Got::kEmpty:
        trailers_ = rest.data();
        state_ = State::kEnd;
        return {BodyStep::What::kEnd, used + line.next, {}};
      case FieldLine::Got::kField:
        if (forbidden_in_trailer(rest.substr(line.place.name, line.place.name_size))) {
          return stop(Fault::kForbiddenTrailer, used);
        }
        if (places_.size() == fields_limit_) return stop(Fault::kTooManyFields, used);
        places_.push_back(line.place);
        at = line.next;
    }
  }
}

std::optional<Fault> BodyParser::closed() {
  if (state_ == State::kFault) return fault_;
  if (state_ == State::kUntilClose) state_ = State::kEnd;
  if (state_ == State::kEnd) return std::nullopt;
  stop(Fault::kTruncatedBody, 0);
  return fault_;
}

std::uint64_t BodyParser::skip(std::uint64_t count) {
  if (state_ == State::kUntilClose) {
    seen_ += count;
    return count;
  }
  if (state_ != State::kCounted) return 0;
  const std::uint64_t inside = std::min(count, left_);
  seen_ += inside;
  left_ -= inside;
  if (left_ == 0) state_ = chunked_ ? State::kChunkEnd : State::kEnd;
  return inside;
}

std::optional<std::uint64_t> BodyParser::content_left() const noexcept {
  if (state_ == State::kEnd) return 0;
  if (state_ == State::kCounted && !chunked_) return left_;
  return std::nullopt;
}

}  // namespace plumb::http
