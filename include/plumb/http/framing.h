// SPDX-License-Identifier: Apache-2.0
// Where a message ends and whether its connection lives on: RFC 9112 sections 6.3 and 9.3 as one
// pure function of what a head says. The parsers, the encoder, the proxy and the detective all ask
// here.
//
// The four mysteries begin with a response that has no length, is not chunked, and whose sender
// keeps the connection open: the receiver waits for the end, the sender for the next request. RFC
// 9112 calls it a body that ends with the connection; here it has a name of its own, kUnframed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plumb/http/fault.h"

namespace plumb::http {

enum class Version : std::uint8_t { kHttp10, kHttp11 };

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,
};

Method method_of(std::string_view text) noexcept;

enum class BodyKind : std::uint8_t {
  kNone,        // the message ends with its head
  kLength,      // Content-Length bytes; 0 is a kLength too
  kChunked,     // ends with the chunk of size 0 and the trailer section
  kUntilClose,  // ends with the connection, and the sender said that it will close
  kUnframed,    // no length, not chunked, and the sender did not say that it will close
  kTunnel,      // what follows is not HTTP: CONNECT with 2xx, or 101
};

// "until-close", for logs and documents.
std::string_view name(BodyKind kind) noexcept;

enum class Persistence : std::uint8_t { kKeep, kClose };

struct Framing {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // of kLength only
  Persistence persistence = Persistence::kKeep;

  friend bool operator==(const Framing&, const Framing&) = default;
};

// What the fields of one head say about framing, gathered field by field. Costs a look at the
// name's length for every other field.
class FramingFields {
 public:
  // Takes note of Content-Length, Transfer-Encoding, Connection and Upgrade; ignores others. A
  // value that cannot be understood is remembered as the first fault and judged later.
  void add(std::string_view name, std::string_view value) noexcept;
  void clear() noexcept { *this = {}; }

  std::optional<std::uint64_t> content_length() const noexcept;
  bool has_transfer_encoding() const noexcept { return transfer_fields_ > 0; }
  bool close() const noexcept { return close_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool upgrade() const noexcept { return upgrade_option_ && upgrade_field_; }

 private:
  friend struct FramingJudge;

  void add_content_length(std::string_view value) noexcept;
  void add_transfer_encoding(std::string_view value) noexcept;
  void add_connection(std::string_view value) noexcept;

  std::uint64_t length_ = 0;
  std::uint32_t length_values_ = 0;    // how many numbers Content-Length gave, in all its fields
  std::uint32_t transfer_fields_ = 0;  // how many Transfer-Encoding fields
  std::uint32_t transfer_codings_ = 0;
  std::uint32_t chunked_ = 0;  // how many of the codings are "chunked"
  bool chunked_last_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_option_ = false;
  bool upgrade_field_ = false;
  std::optional<Fault> length_fault_;
  std::optional<Fault> transfer_fault_;
};

// What the receiver of a response knows of the request that it answers.
struct RequestContext {
  Method method = Method::kGet;
  bool upgrade = false;  // the request asked to switch protocols
};

// `framing` is always filled: where `fault` stands, a strict recipient stops, and a lenient one
// goes on with `framing`, which is then what RFC 9112 section 6.3 makes of the message
// (Transfer-Encoding overrides Content-Length) or, where that says nothing, the reading that ends
// earliest.
struct Judgement {
  Framing framing;
  std::optional<Fault> fault;
};

Judgement judge_request(const FramingFields& fields, Version version, Method method) noexcept;
Judgement judge_response(const FramingFields& fields, Version version, int status,
                         RequestContext request) noexcept;

}  // namespace plumb::http
