// SPDX-License-Identifier: Apache-2.0
// RFC 9112 section 6.3 (message body length) and section 9.3 (persistence).
#include "plumb/http/framing.h"

#include <limits>

#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

// Signed 64-bit offsets are what files and sockets count in; a longer body cannot be real.
constexpr std::uint64_t kLongest = std::numeric_limits<std::int64_t>::max();

Persistence persistence_of(const FramingFields& fields, Version version) {
  if (fields.close()) return Persistence::kClose;
  if (version == Version::kHttp11 || fields.keep_alive()) return Persistence::kKeep;
  return Persistence::kClose;
}

}  // namespace

Method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::kGet;
      if (text == "PUT") return Method::kPut;
      break;
    case 4:
      if (text == "POST") return Method::kPost;
      if (text == "HEAD") return Method::kHead;
      break;
    case 5:
      if (text == "PATCH") return Method::kPatch;
      if (text == "TRACE") return Method::kTrace;
      break;
    case 6:
      if (text == "DELETE") return Method::kDelete;
      break;
    case 7:
      if (text == "CONNECT") return Method::kConnect;
      if (text == "OPTIONS") return Method::kOptions;
      break;
    default:
      break;
  }
  return Method::kOther;
}

std::string_view name(BodyKind kind) noexcept {
  switch (kind) {
    case BodyKind::kNone:
      return "none";
    case BodyKind::kLength:
      return "length";
    case BodyKind::kChunked:
      return "chunked";
    case BodyKind::kUntilClose:
      return "until-close";
    case BodyKind::kUnframed:
      return "unframed";
    case BodyKind::kTunnel:
      return "tunnel";
  }
  return "none";
}

void FramingFields::add(std::string_view name, std::string_view value) noexcept {
  switch (name.size()) {
    case 7:
      if (same_ignoring_case(name, "upgrade")) upgrade_field_ = true;
      break;
    case 10:
      if (same_ignoring_case(name, "connection")) add_connection(value);
      break;
    case 14:
      if (same_ignoring_case(name, "content-length")) add_content_length(value);
      break;
    case 17:
      if (same_ignoring_case(name, "transfer-encoding")) add_transfer_encoding(value);
      break;
    default:
      break;
  }
}

std::optional<std::uint64_t> FramingFields::content_length() const noexcept {
  if (length_values_ == 0 || length_fault_) return std::nullopt;
  return length_;
}

// A list of equal numbers is understood, so that the verdict can tell a repetition from nonsense.
void FramingFields::add_content_length(std::string_view value) noexcept {
  const auto blame = [this](Fault fault) {
    if (!length_fault_ || *length_fault_ == Fault::kRepeatedContentLength) length_fault_ = fault;
  };
  if (value.empty()) blame(Fault::kBadContentLength);
  std::string_view element;
  while (take_element(value, element)) {
    if (element.empty()) {
      blame(Fault::kBadContentLength);
      continue;
    }
    std::uint64_t length = 0;
    bool fits = true;
    for (const char c : element) {
      if (c < '0' || c > '9') return blame(Fault::kBadContentLength);
      const auto digit = static_cast<std::uint64_t>(c - '0');
      fits = fits && length <= (kLongest - digit) / 10;
      length = fits ? length * 10 + digit : kLongest;
    }
    if (!fits) return blame(Fault::kContentLengthOverflow);
    if (length_values_ > 0) {
      blame(length == length_ ? Fault::kRepeatedContentLength : Fault::kConflictingContentLength);
    } else {
      length_ = length;
    }
    ++length_values_;
  }
}

void FramingFields::add_transfer_encoding(std::string_view value) noexcept {
  const auto blame = [this](Fault fault) {
    if (!transfer_fault_) transfer_fault_ = fault;
  };
  ++transfer_fields_;
  std::string_view element;
  bool any = false;
  while (take_element(value, element)) {
    if (element.empty()) continue;  // RFC 9110 section 5.6.1.2: empty elements are ignored
    any = true;
    ++transfer_codings_;
    chunked_last_ = same_ignoring_case(element, "chunked");
    if (chunked_last_) {
      ++chunked_;
    } else if (chunked_ > 0) {
      blame(Fault::kChunkedNotLast);
    } else {
      blame(Fault::kUnknownTransferCoding);
    }
  }
  if (!any) blame(Fault::kEmptyTransferEncoding);
  if (chunked_ > 1) blame(Fault::kChunkedTwice);
}

void FramingFields::add_connection(std::string_view value) noexcept {
  std::string_view option;
  while (take_element(value, option)) {
    if (same_ignoring_case(option, "close")) close_ = true;
    if (same_ignoring_case(option, "keep-alive")) keep_alive_ = true;
    if (same_ignoring_case(option, "upgrade")) upgrade_option_ = true;
  }
}

// Reads what the fields say; a friend, so that the fields stay facts without judgement.
struct FramingJudge {
  static std::optional<Fault> first_fault(const FramingFields& f, Version version) {
    if (f.transfer_fields_ > 0 && version == Version::kHttp10) return Fault::kTransferEncodingIn10;
    if (f.transfer_fields_ > 0 && (f.length_values_ > 0 || f.length_fault_)) {
      return Fault::kLengthAndTransferEncoding;
    }
    if (f.transfer_fault_) return f.transfer_fault_;
    return f.length_fault_;
  }

  // RFC 9112 section 6.3 rules 3 to 6, on what was said. Nothing: neither length nor chunks.
  static std::optional<Framing> stated(const FramingFields& f, Persistence persistence) {
    if (f.chunked_last_) return Framing{BodyKind::kChunked, 0, persistence};
    if (f.transfer_fields_ > 0) return std::nullopt;
    if (f.length_values_ > 0) return Framing{BodyKind::kLength, f.length_, persistence};
    return std::nullopt;
  }
};

Judgement judge_request(const FramingFields& fields, Version version, Method method) noexcept {
  const Persistence persistence = persistence_of(fields, version);
  auto fault = FramingJudge::first_fault(fields, version);
  if (method == Method::kConnect) {
    // RFC 9110 section 9.3.6: CONNECT has no content; a length would hide the tunnel's first bytes.
    const bool body = fields.has_transfer_encoding() || fields.content_length().value_or(0) > 0;
    if (!fault && body) fault = Fault::kBodyInConnect;
    return {Framing{BodyKind::kNone, 0, persistence}, fault};
  }
  const auto stated = FramingJudge::stated(fields, persistence);
  return {stated.value_or(Framing{BodyKind::kNone, 0, persistence}), fault};
}

Judgement judge_response(const FramingFields& fields, Version version, int status,
                         RequestContext request) noexcept {
  const Persistence persistence = persistence_of(fields, version);
  // Rule 2: Transfer-Encoding and Content-Length of a 2xx to CONNECT are ignored, whatever they
  // say.
  if (request.method == Method::kConnect && status >= 200 && status <= 299) {
    return {Framing{BodyKind::kTunnel, 0, Persistence::kKeep}, std::nullopt};
  }
  if (status == 101) {
    const auto fault = request.upgrade ? std::nullopt : std::optional(Fault::kUnaskedSwitch);
    return {Framing{BodyKind::kTunnel, 0, Persistence::kKeep}, fault};
  }
  const auto fault = FramingJudge::first_fault(fields, version);
  // Rule 1: these end with the head, whatever their fields say about the body that GET would give.
  const bool bodiless = status < 200 || status == 204 || status == 304;
  if (bodiless || request.method == Method::kHead) {
    return {Framing{BodyKind::kNone, 0, persistence}, fault};
  }
  if (const auto stated = FramingJudge::stated(fields, persistence)) return {*stated, fault};
  // Rule 8. Keep-alive with a body that only the connection's end can end is a contradiction.
  if (persistence == Persistence::kClose) {
    return {Framing{BodyKind::kUntilClose, 0, Persistence::kClose}, fault};
  }
  return {Framing{BodyKind::kUnframed, 0, Persistence::kClose}, fault};
}

}  // namespace plumb::http
