// SPDX-License-Identifier: Apache-2.0
// The WebSocket protocol's frames (RFC 6455 section 5): bytes in, messages out; no I/O.
//
// Strict: a reserved bit, a control frame that is long or fragmented, a length not in its shortest
// form, text that is not UTF-8 (judged as it comes, not at the end), a frame that is masked where
// it must not be or is not where it must: each is a fault with the status code that the closing
// frame shall carry. Memory is bounded by the limit on a message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plumb::http {

enum class WsOpcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xa,
};

// Which side we are: a server's peer masks, a client's does not.
enum class WsRole : std::uint8_t { kServer, kClient };

enum class WsFault : std::uint8_t {
  kReservedBits,
  kUnknownOpcode,
  kNotMasked,
  kMasked,
  kLongControl,
  kFragmentedControl,
  kLengthForm,  // not the shortest, or beyond 63 bits
  kNothingToContinue,
  kNotContinued,  // a message begins within another
  kMessageTooLarge,
  kBadUtf8,
  kBadClose,  // a body of one byte, or a status code that must not be sent
};

std::string_view name(WsFault fault) noexcept;
// What the closing frame says: 1002, 1007 or 1009 (section 7.4.1).
std::uint16_t close_code(WsFault fault) noexcept;

// Judges UTF-8 as its bytes come; overlong forms, surrogates and what lies beyond U+10FFFF are
// none.
class Utf8Check {
 public:
  // False: the bytes so far begin no UTF-8 text.
  bool add(std::string_view bytes) noexcept;
  // Whether the text may end here.
  bool complete() const noexcept { return left_ == 0; }
  void restart() noexcept { *this = {}; }

 private:
  std::uint8_t left_ = 0;      // continuation bytes to come
  std::uint8_t least_ = 0x80;  // bounds of the next one
  std::uint8_t most_ = 0xbf;
};

class WsReader {
 public:
  enum class Event : std::uint8_t {
    kNeedMore,
    kMessage,  // payload() is complete; opcode() kText or kBinary
    kPing,     // payload() is what the pong must say
    kPong,
    kClose,  // payload() is the reason, close_status() the code; nothing follows
    kFault,
  };
  struct Step {
    Event event = Event::kNeedMore;
    std::size_t consumed = 0;
  };

  WsReader(WsRole role, std::uint64_t most_in_message) : role_(role), most_(most_in_message) {}

  Step next(std::string_view input);

  // Valid until the next call.
  std::string_view payload() const noexcept { return control_ ? control_text_ : message_; }
  WsOpcode opcode() const noexcept { return message_opcode_; }
  std::optional<std::uint16_t> close_status() const noexcept { return status_; }
  WsFault fault() const noexcept { return fault_; }

 private:
  Step stop(WsFault fault, std::size_t used) noexcept;
  std::optional<WsFault> judge_head(std::uint8_t first, bool masked, std::uint64_t length) noexcept;
  std::optional<WsFault> take_payload(std::string_view bytes);
  Step finish(std::size_t used);
  Step finish_close(std::size_t used);

  WsRole role_;
  std::uint64_t most_;
  std::string message_;
  std::string control_text_;
  Utf8Check utf8_;
  std::array<char, 4> mask_{};
  std::uint64_t left_ = 0;  // payload bytes of the frame that are still to come
  std::uint64_t mask_at_ = 0;
  WsOpcode frame_opcode_ = WsOpcode::kContinuation;
  WsOpcode message_opcode_ = WsOpcode::kBinary;
  std::optional<std::uint16_t> status_;
  WsFault fault_ = WsFault::kReservedBits;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool final_ = false;
  bool control_ = false;
  bool given_ = false;  // the message was handed out: forget it at the next call
  bool over_ = false;   // closed or faulty
};

// Appends a frame. `mask`: a client's; fresh random bytes for each frame (section 5.3). A control
// frame's payload has at most 125 bytes; the caller sees to that.
void append_frame(std::string& out, WsOpcode opcode, std::string_view payload,
                  std::optional<std::array<char, 4>> mask = std::nullopt);

// Status codes that a peer may send in a closing frame (section 7.4).
bool may_close_with(std::uint16_t status) noexcept;

}  // namespace plumb::http
