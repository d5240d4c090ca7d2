// SPDX-License-Identifier: Apache-2.0
// The body of one message as its framing says: a state machine from bytes to content.
//
// No I/O, no copy: content is a view into the caller's bytes. One object for each message; may be
// moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plumb/http/head.h"
#include "plumb/http/limits.h"

namespace plumb::http {

struct BodyStep {
  enum class What : std::uint8_t {
    kNeedMore,  // call again with the unconsumed bytes and more behind them
    kContent,   // `content` is part of the body and is consumed
    kEnd,       // the body is complete; trailers() are valid
    kFault,     // fault() says why; nothing that follows can be understood
  };
  What what = What::kNeedMore;
  std::size_t consumed = 0;  // bytes of the input to drop; includes `content`
  std::string_view content;
};

class BodyParser {
 public:
  BodyParser() : BodyParser(Framing{}, Limits{}) {}
  BodyParser(const Framing& framing, const Limits& limits);

  // Begins another body with the same limits; keeps the memory of trailers.
  void restart(const Framing& framing) noexcept;

  BodyStep next(std::string_view input);

  // The peer will send no more. Nothing: the body was complete, or ends here as its framing says.
  std::optional<Fault> closed();

  // `count` further bytes of the connection passed that nobody can show us. Returns how many of
  // them lie inside this body for certain; fewer than `count` means that its end, or a chunk's end,
  // lies among the missing bytes. Only the observer of a bounded capture has a use for this.
  std::uint64_t skip(std::uint64_t count);

  bool complete() const noexcept { return state_ == State::kEnd; }
  Fault fault() const noexcept { return fault_; }
  Fields trailers() const noexcept {
    return {trailers_, places_.data(), places_.size()};
  }  // as long as the bytes of kEnd's step stay
  std::uint64_t content_seen() const noexcept { return seen_; }
  // Content bytes still to come; nothing where only the end of the chunks or of the connection
  // tells.
  std::optional<std::uint64_t> content_left() const noexcept;

 private:
  enum class State : std::uint8_t {
    kCounted,     // `left_` bytes of the body or of the chunk remain
    kChunkEnd,    // the CRLF behind a chunk's data
    kChunkLine,   // a chunk's size and extensions
    kTrailer,     // the trailer section
    kUntilClose,  // everything
    kEnd,
    kFault,
  };

  BodyStep content(std::string_view rest, std::size_t used);
  BodyStep trailer(std::string_view rest, std::size_t used);
  BodyStep stop(Fault fault, std::size_t used);

  std::uint32_t chunk_line_limit_;
  std::uint32_t trailer_limit_;
  std::uint32_t fields_limit_;
  State state_ = State::kEnd;
  bool chunked_ = false;
  Fault fault_ = Fault::kTruncatedBody;
  std::uint64_t body_limit_;
  std::uint64_t left_ = 0;
  std::uint64_t seen_ = 0;
  std::vector<FieldPlace> places_;
  const char* trailers_ = nullptr;  // the caller's bytes of the trailer section
};

}  // namespace plumb::http
