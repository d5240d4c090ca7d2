// SPDX-License-Identifier: Apache-2.0
// Strict, incremental HTTP/1.1 parsers: bytes in, events out; no I/O, no copy, no clock.
//
// The caller owns a buffer and offers what is not consumed yet:
//
//   RequestParser parser;
//   for (;;) {
//     const Step step = parser.next(buffer.unread());
//     switch (step.event) { … }        // views in head() and step.body point into the buffer
//     buffer.drop(step.consumed);
//   }
//
// However the bytes are cut, the events are the same (pieces of a body may be cut differently). A
// line is looked at again when more of it arrives, at most up to its limit. Malformed and ambiguous
// input meets one fault (plumb/http/fault.h, docs/http-verdicts.md); the parser then stays in
// kFault. A parser belongs to one connection and one thread. It keeps room for the places of a
// head's fields, 16 bytes each, from one head to the next; rest() gives it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plumb/http/body_parser.h"
#include "plumb/http/head.h"
#include "plumb/http/limits.h"

namespace plumb::http {

enum class Event : std::uint8_t {
  kNeedMore,  // nothing more can be said about these bytes: offer them again with more behind them
  kHead,      // head() is valid; `consumed` covers it
  kBody,      // `body` is content and is consumed; never empty
  kEnd,       // the message is complete; trailers() are valid until the next call
  kHeld,      // what follows is not for this parser, or not yet: see RequestParser::resume()
  kFault,     // fault() says why; answer describe(fault).status and close
};

struct Step {
  Event event = Event::kNeedMore;
  std::size_t consumed = 0;  // bytes to drop from the front of the input
  std::string_view body;
};

// Common to both directions: the lines of a head, the body, the end of input. Not for direct use.
class MessageReader {
 public:
  explicit MessageReader(const Limits& limits) : limits_(limits), body_(Framing{}, limits) {}

  // Frees what a connection between two messages does not need; heads become invalid. Does nothing
  // inside a message.
  void rest() noexcept;

 protected:
  enum class Got : std::uint8_t { kMore, kHead, kFault };
  enum class State : std::uint8_t { kHead, kBody, kHeld, kClosing, kFault };

  // Reads field lines from `at_` to the empty line.
  Got read_fields(std::string_view input);
  Got stop(Fault fault) noexcept;
  // The next of the body. With kEnd the message is over, and what state follows is the caller's.
  Step read_body(std::string_view input);
  // From now on there is only this fault; gives it as a step.
  Step fall(Fault fault, std::size_t consumed = 0) noexcept;
  std::optional<Fault> end_of_input();
  void restart() noexcept;
  Fields fields(std::string_view input) const noexcept;

  Limits limits_;
  BodyParser body_;
  State state_ = State::kHead;
  FramingFields framing_fields_;
  std::vector<FieldPlace> places_;
  std::size_t at_ = 0;  // start of the line to be read next, from the head's first byte
  std::uint32_t host_fields_ = 0;
  FieldPlace host_{};
  bool start_line_done_ = false;
  bool expects_continue_ = false;
  bool ended_ = false;       // the message is over; the next byte begins another
  bool bytes_wait_ = false;  // the last kNeedMore left bytes unconsumed
  Fault fault_ = Fault::kTruncatedHead;
};

class RequestParser : private MessageReader {
 public:
  using MessageReader::rest;
  explicit RequestParser(const Limits& limits = {}) : MessageReader(limits) {}

  Step next(std::string_view input);

  // The peer will send no more. Nothing: it closed between two messages.
  std::optional<Fault> closed() { return end_of_input(); }

  const RequestHead& head() const noexcept { return head_; }
  Fields trailers() const noexcept { return body_.trailers(); }
  Fault fault() const noexcept { return fault_; }

  // True where a connection may rest: no byte of a message is open.
  bool between_messages() const noexcept { return state_ == State::kHead && !bytes_wait_; }

  // After CONNECT and after a request for an upgrade the parser holds, because the answer decides
  // whose the following bytes are. resume() says that HTTP goes on: an upgrade was not granted. Do
  // not resume a refused CONNECT: its client may have sent tunnel bytes already; close.
  void resume() noexcept;

 private:
  Step read_head(std::string_view input);
  Got read_request_line(std::string_view input);
  Got judge(std::string_view input);
  Step end_message(Step end) noexcept;

  std::uint32_t empty_lines_ = 0;
  FieldPlace line_{};  // method and target
  RequestHead head_;
};

class ResponseParser : private MessageReader {
 public:
  using MessageReader::rest;
  explicit ResponseParser(const Limits& limits = {}) : MessageReader(limits) {}

  // The request that the next final response answers. To be called before each of them: a response
  // without a request is kUnsolicitedResponse.
  void expect(RequestContext request) noexcept;

  Step next(std::string_view input);

  // The peer will send no more. Ends a body that ends with the connection: next() then says kEnd.
  // Nothing: no fault.
  std::optional<Fault> closed() { return end_of_input(); }

  const ResponseHead& head() const noexcept { return head_; }
  Fields trailers() const noexcept { return body_.trailers(); }
  Fault fault() const noexcept { return fault_; }
  bool between_messages() const noexcept { return state_ == State::kHead && !bytes_wait_; }
  bool expecting() const noexcept { return expected_; }

 private:
  Step read_head(std::string_view input);
  Got read_status_line(std::string_view input);
  Got judge(std::string_view input);
  Step end_message(Step end) noexcept;

  bool expected_ = false;
  RequestContext request_;
  std::uint32_t interim_ = 0;
  FieldPlace line_{};  // reason
  ResponseHead head_;
};

}  // namespace plumb::http
