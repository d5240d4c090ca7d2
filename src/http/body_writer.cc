// SPDX-License-Identifier: Apache-2.0
// Frames content and holds it to the promise of its head.
#include <charconv>

#include "http/field_check.h"
#include "plumb/http/encoder.h"

namespace plumb::http {

BodyWriter::BodyWriter(const Framing& framing, Content content)
    : framing_(framing), content_(content), left_(framing.length) {}

std::optional<Refusal> BodyWriter::content(std::uint64_t size, Piece& piece) noexcept {
  piece.size = 0;
  piece.suffix = {};
  if (ended_) return Refusal::kAlreadyEnded;
  if (content_ == Content::kDropped || size == 0) return std::nullopt;
  switch (framing_.kind) {
    case BodyKind::kNone:
    case BodyKind::kTunnel:
      return Refusal::kBodyNotAllowed;
    case BodyKind::kLength:
      if (size > left_) return Refusal::kMoreThanPromised;
      left_ -= size;
      break;
    case BodyKind::kChunked: {
      char* const end = piece.bytes.data() + piece.bytes.size() - 2;
      char* at = std::to_chars(piece.bytes.data(), end, size, 16).ptr;
      *at++ = '\r';
      *at++ = '\n';
      piece.size = static_cast<std::uint8_t>(at - piece.bytes.data());
      piece.suffix = "\r\n";
      break;
    }
    case BodyKind::kUntilClose:
    case BodyKind::kUnframed:
      break;
  }
  return std::nullopt;
}

std::optional<Refusal> BodyWriter::end(std::string& out, std::span<const Field> trailers) {
  if (ended_) return Refusal::kAlreadyEnded;
  if (content_ == Content::kDropped) {
    ended_ = true;
    return std::nullopt;
  }
  if (framing_.kind != BodyKind::kChunked) {
    if (!trailers.empty()) return Refusal::kTrailerNotCarried;
    if (left_ > 0) return Refusal::kLessThanPromised;
    ended_ = true;
    return std::nullopt;
  }
  if (const FieldCheck check = check_fields(trailers, Section::kTrailer); check.refusal) {
    return check.refusal;
  }
  out.append("0\r\n");
  for (const Field& field : trailers) write_field(out, field.name, field.value);
  out.append("\r\n");
  ended_ = true;
  return std::nullopt;
}

}  // namespace plumb::http
