// SPDX-License-Identifier: Apache-2.0
// Reading and writing WebSocket frames.
#include "plumb/http/websocket.h"

#include <algorithm>

namespace plumb::http {
namespace {

constexpr std::uint64_t kMostControl = 125;

bool is_control(WsOpcode opcode) noexcept {
  return static_cast<std::uint8_t>(opcode) >= 0x8;
}

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::string_view name(WsFault fault) noexcept {
  switch (fault) {
    case WsFault::kReservedBits:
      return "reserved-bits";
    case WsFault::kUnknownOpcode:
      return "unknown-opcode";
    case WsFault::kNotMasked:
      return "not-masked";
    case WsFault::kMasked:
      return "masked";
    case WsFault::kLongControl:
      return "long-control-frame";
    case WsFault::kFragmentedControl:
      return "fragmented-control-frame";
    case WsFault::kLengthForm:
      return "length-form";
    case WsFault::kNothingToContinue:
      return "nothing-to-continue";
    case WsFault::kNotContinued:
      return "not-continued";
    case WsFault::kMessageTooLarge:
      return "message-too-large";
    case WsFault::kBadUtf8:
      return "bad-utf8";
    case WsFault::kBadClose:
      return "bad-close";
  }
  return "bad-close";
}

std::uint16_t close_code(WsFault fault) noexcept {
  if (fault == WsFault::kBadUtf8) return 1007;
  return fault == WsFault::kMessageTooLarge ? 1009 : 1002;
}

// Unicode 15, table 3-7.
bool Utf8Check::add(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (left_ != 0) {
      if (byte < least_ || byte > most_) return false;
      least_ = 0x80;
      most_ = 0xbf;
      --left_;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      if (byte == 0xe0) least_ = 0xa0;
      if (byte == 0xed) most_ = 0x9f;
      if (byte == 0xf0) least_ = 0x90;
      if (byte == 0xf4) most_ = 0x8f;
    }
  }
  return true;
}

WsReader::Step WsReader::stop(WsFault fault, std::size_t used) noexcept {
  fault_ = fault;
  over_ = true;
  return {Event::kFault, used};
}

std::optional<WsFault> WsReader::judge_head(std::uint8_t first, bool masked,
                                            std::uint64_t length) noexcept {
  if ((first & 0x70) != 0) return WsFault::kReservedBits;
  frame_opcode_ = static_cast<WsOpcode>(first & 0x0f);
  final_ = (first & 0x80) != 0;
  control_ = is_control(frame_opcode_);
  switch (frame_opcode_) {
    case WsOpcode::kContinuation:
      if (!in_message_) return WsFault::kNothingToContinue;
      break;
    case WsOpcode::kText:
    case WsOpcode::kBinary:
      if (in_message_) return WsFault::kNotContinued;
      break;
    case WsOpcode::kClose:
    case WsOpcode::kPing:
    case WsOpcode::kPong:
      if (!final_) return WsFault::kFragmentedControl;
      if (length > kMostControl) return WsFault::kLongControl;
      break;
    default:
      return WsFault::kUnknownOpcode;
  }
  if (masked != (role_ == WsRole::kServer)) {
    return masked ? WsFault::kMasked : WsFault::kNotMasked;
  }
  if (!control_ && length > most_ - message_.size()) return WsFault::kMessageTooLarge;
  return std::nullopt;
}

std::optional<WsFault> WsReader::take_payload(std::string_view bytes) {
  std::string& into = control_ ? control_text_ : message_;
  const std::size_t begin = into.size();
  into.append(bytes);
  if (role_ == WsRole::kServer) {
    for (std::size_t i = begin; i < into.size(); ++i, ++mask_at_) into[i] ^= mask_[mask_at_ % 4];
  }
  left_ -= bytes.size();
  const bool text = !control_ && message_opcode_ == WsOpcode::kText;
  if (text && !utf8_.add(std::string_view(into).substr(begin))) return WsFault::kBadUtf8;
  return std::nullopt;
}

WsReader::Step WsReader::next(std::string_view input) {
  if (over_) return {Event::kFault, 0};
  if (given_) {
    given_ = false;
    if (!control_) message_.clear();
    control_text_.clear();
    control_ = false;
  }
  std::size_t used = 0;
  while (true) {
    if (!in_frame_) {
      const std::string_view head = input.substr(used);
      if (head.size() < 2) return {Event::kNeedMore, used};
      const auto first = static_cast<std::uint8_t>(head[0]);
      const auto second = static_cast<std::uint8_t>(head[1]);
      const bool masked = (second & 0x80) != 0;
      std::uint64_t length = second & 0x7f;
      const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
      const std::size_t size = 2 + extra + (masked ? 4 : 0);
      // What the first two bytes say is judged without waiting for the others.
      const auto early = judge_head(first, masked, length);
      if (early && *early != WsFault::kMessageTooLarge) return stop(*early, used);
      if (head.size() < size) return {Event::kNeedMore, used};
      if (extra != 0) {
        length = big_endian(head.substr(2, extra));
        if (length < (extra == 2 ? 126U : 65536U) || length >> 63 != 0) {
          return stop(WsFault::kLengthForm, used);
        }
      }
      if (const auto fault = judge_head(first, masked, length)) return stop(*fault, used);
      if (masked) std::copy_n(head.data() + 2 + extra, 4, mask_.begin());
      used += size;
      left_ = length;
      mask_at_ = 0;
      in_frame_ = true;
      if (!control_ && frame_opcode_ != WsOpcode::kContinuation) {
        message_opcode_ = frame_opcode_;
        in_message_ = true;
        utf8_.restart();
      }
    }
    const std::string_view bytes =
        input.substr(used, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
    used += bytes.size();
    if (const auto fault = take_payload(bytes)) return stop(*fault, used);
    if (left_ != 0) return {Event::kNeedMore, used};
    in_frame_ = false;
    if (control_ || final_) return finish(used);
  }
}

WsReader::Step WsReader::finish(std::size_t used) {
  given_ = true;
  switch (frame_opcode_) {
    case WsOpcode::kPing:
      return {Event::kPing, used};
    case WsOpcode::kPong:
      return {Event::kPong, used};
    case WsOpcode::kClose:
      return finish_close(used);
    default:
      in_message_ = false;
      if (message_opcode_ == WsOpcode::kText && !utf8_.complete()) {
        return stop(WsFault::kBadUtf8, used);
      }
      return {Event::kMessage, used};
  }
}

WsReader::Step WsReader::finish_close(std::size_t used) {
  if (control_text_.size() == 1) return stop(WsFault::kBadClose, used);
  if (!control_text_.empty()) {
    status_ = static_cast<std::uint16_t>(big_endian(std::string_view(control_text_).substr(0, 2)));
    if (!may_close_with(*status_)) return stop(WsFault::kBadClose, used);
    control_text_.erase(0, 2);
    Utf8Check reason;
    if (!reason.add(control_text_) || !reason.complete()) return stop(WsFault::kBadUtf8, used);
  }
  over_ = true;
  return {Event::kClose, used};
}

void append_frame(std::string& out, WsOpcode opcode, std::string_view payload,
                  std::optional<std::array<char, 4>> mask) {
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out += static_cast<char>(value >> shift & 0xff);
    }
  };
  put(0x80U | static_cast<std::uint8_t>(opcode), 1);
  const std::uint64_t mask_bit = mask ? 0x80 : 0;
  if (payload.size() < 126) {
    put(mask_bit | payload.size(), 1);
  } else if (payload.size() < 65536) {
    put(mask_bit | 126, 1);
    put(payload.size(), 2);
  } else {
    put(mask_bit | 127, 1);
    put(payload.size(), 8);
  }
  if (mask) out.append(mask->data(), mask->size());
  const std::size_t begin = out.size();
  out.append(payload);
  if (!mask) return;
  for (std::size_t i = begin; i < out.size(); ++i) out[i] ^= (*mask)[(i - begin) % 4];
}

bool may_close_with(std::uint16_t status) noexcept {
  if (status >= 3000 && status <= 4999) return true;
  return status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006;
}

}  // namespace plumb::http
