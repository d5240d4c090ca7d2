// SPDX-License-Identifier: Apache-2.0
// Whether a response may be coded or decoded on its way, and what its head becomes: pure functions
// of the two heads. They know nothing of lengths: the encoder frames whatever comes out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/http/coding.h"
#include "plumb/http/head.h"

namespace plumb::http {

struct OwnedField {
  std::string name;
  std::string value;

  Field view() const noexcept { return {name, value}; }
  friend bool operator==(const OwnedField&, const OwnedField&) = default;
};

// Why a response goes on as it is.
enum class Untouched : std::uint8_t {
  kNotCoded,       // decode: no Content-Encoding, or "identity"
  kUnknownCoding,  // decode: one that plumb does not speak, or several
  kAlreadyCoded,   // encode
  kNotAccepted,    // encode: the request's Accept-Encoding allows none of ours
  kAccepted,       // decode: the client understands the coding by itself
  kNoBody,         // HEAD, 1xx, 204, 304, or CONNECT
  kRange,          // 206, or Content-Range: the bytes are part of the coded form
  kNoTransform,    // Cache-Control: no-transform in either head (RFC 9110 section 7.7)
  kNotWorthIt,     // encode: a type that is compressed already, or fewer bytes than the minimum
};

std::string_view name(Untouched why) noexcept;

struct CodingDecision {
  std::optional<Coding> coding;    // run the body through this; nothing: see `why`
  std::optional<Untouched> why;    // filled exactly where `coding` is not
  std::vector<OwnedField> fields;  // the response's fields to send: without those of framing, which
                                   // the encoder writes, and without those that Connection names
};

// The parts of the two heads that matter.
struct CodingQuestion {
  Method method = Method::kGet;
  std::span<const Field> request = {};  // the request's fields
  int status = 200;
  std::span<const Field> response = {};                // the response's fields
  std::optional<std::uint64_t> length = std::nullopt;  // of the body, where known
};

// What a decoding proxy does: removes a coding that the client did not say it accepts. A client
// that sent no Accept-Encoding gets plain bytes, as if the proxy had not asked for a coding by
// itself. On decoding, Content-Encoding goes, a strong ETag becomes weak, digests of the coded
// bytes and Accept-Ranges go, and Vary names Accept-Encoding.
CodingDecision decide_decode(const CodingQuestion& question);

// As decide_decode, but decodes whether or not the client accepts the coding: for a client that
// reads the body itself.
CodingDecision decide_decode_for_reader(const CodingQuestion& question);

struct EncodeOptions {
  std::span<const Coding> offered = {};  // in the server's order of preference
  std::uint64_t least_length = 256;      // shorter bodies are sent plain
};

// What a compressing server or proxy does. Vary names Accept-Encoding also where the answer is
// plain only because this client did not accept a coding.
CodingDecision decide_encode(const CodingQuestion& question, const EncodeOptions& options);

// The best of `offered` that an Accept-Encoding value allows (RFC 9110 section 12.5.3): highest
// weight first, then the order of `offered`. Nothing: send it plain.
std::optional<Coding> negotiate(std::string_view accept_encoding, std::span<const Coding> offered);

}  // namespace plumb::http
