// SPDX-License-Identifier: Apache-2.0
// Writes messages. The encoder alone decides how a body is framed and whether the connection lives
// on, from what both sides said and from what is known of the body's length.
//
// A program that sets Content-Length, Transfer-Encoding or Connection by hand will one day send a
// body that nobody can see the end of (the first mystery). So it cannot: those fields are refused,
// and a body that turns out shorter or longer than promised is refused too. Nothing that is
// accepted can carry CR, LF or NUL into a line.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plumb/http/head.h"

namespace plumb::http {

// Why the encoder refuses. Nothing was written.
enum class Refusal : std::uint8_t {
  kFramingField,    // Content-Length, Transfer-Encoding, Connection, Keep-Alive, Proxy-Connection,
                    // Upgrade, TE or a request's Host: say it through the struct, not as a field
  kBadMethod,       // not a token
  kBadTarget,       // empty, or with a blank or control byte
  kBadHost,         // empty where HTTP/1.1 needs one, or with a blank or control byte
  kBadStatus,       // not 100 to 999, or 101 without the protocol that follows
  kInterimTo10,     // 1xx for a client of HTTP/1.0, which would take it for the answer: send none
  kBadReason,       // CR, LF, NUL or another control byte
  kBadFieldName,    // not a token
  kBadFieldValue,   // CR, LF, NUL or another control byte
  kBodyNotAllowed,  // content for 1xx, 204, 205, 304, TRACE, CONNECT or its 2xx
  kLengthRequired,  // an HTTP/1.0 server cannot be sent a body of unknown length: collect it first
  kMoreThanPromised,   // content beyond the promised length: close the connection
  kLessThanPromised,   // the end before the promised length: close the connection
  kTrailerNotCarried,  // trailers can be sent with chunks only: drop them
  kAlreadyEnded,       // content or an end after the end: a bug of the caller
};

std::string_view name(Refusal refusal) noexcept;
std::string_view advice(Refusal refusal) noexcept;

// What is known of a body before it is sent.
class BodyLength {
 public:
  static constexpr BodyLength none() noexcept { return BodyLength(What::kNone, 0); }
  static constexpr BodyLength known(std::uint64_t bytes) noexcept {
    return BodyLength(What::kKnown, bytes);
  }
  static constexpr BodyLength unknown() noexcept { return BodyLength(What::kUnknown, 0); }

  constexpr bool is_none() const noexcept { return what_ == What::kNone; }
  constexpr bool is_unknown() const noexcept { return what_ == What::kUnknown; }
  constexpr std::optional<std::uint64_t> bytes() const noexcept {
    return what_ == What::kUnknown ? std::nullopt : std::optional(bytes_);
  }

 private:
  enum class What : std::uint8_t { kNone, kKnown, kUnknown };
  constexpr BodyLength(What what, std::uint64_t bytes) noexcept : what_(what), bytes_(bytes) {}
  What what_;
  std::uint64_t bytes_;
};

// A response as the server knows it.
struct ResponsePlan {
  Version peer = Version::kHttp11;  // the request's version
  Method method = Method::kGet;     // the request's method
  int status = 200;
  std::string_view reason = {};                // empty: the usual words for the status
  BodyLength body = BodyLength::none();        // for HEAD: what GET would send
  Persistence peer_wish = Persistence::kKeep;  // the request's framing.persistence
  Persistence own_wish = Persistence::kKeep;   // kClose to end the connection after this response
  std::string_view upgrade =
      {};  // with 101: the protocol that follows; with 426: the one to ask for
};

// A request as the client or proxy knows it.
struct RequestPlan {
  std::string_view method = "GET";
  std::string_view target = "/";
  std::string_view host = {};
  BodyLength body = BodyLength::none();
  Version peer = Version::kHttp11;  // the server's version, where an earlier response told it
  Persistence own_wish = Persistence::kKeep;
  std::string_view upgrade = {};  // asks to switch to this protocol
  bool accepts_trailers = false;  // TE: trailers
};

// What happens to the content of a body that is written.
enum class Content : std::uint8_t {
  kSent,
  kDropped,  // HEAD: the handler may write as for GET; nothing of it is sent
};

// Frames the content that follows a head, and holds it to what the head promised. The caller sends
// prefix, its own bytes and suffix, so content is never copied. Call end() once for each message,
// also for one without content.
class BodyWriter {
 public:
  BodyWriter() = default;
  BodyWriter(const Framing& framing, Content content);

  // What frames one piece of content; prefix() lies in the Piece itself.
  struct Piece {
    std::array<char, 18> bytes{};  // 16 hexadecimal digits and CRLF
    std::uint8_t size = 0;
    std::string_view suffix;
    std::string_view prefix() const noexcept { return {bytes.data(), size}; }
  };

  // Fills `piece` with the framing of the next `size` bytes of content. The caller sends them where
  // sends_content() says so.
  // Refuses: kMoreThanPromised, kBodyNotAllowed, kAlreadyEnded.
  std::optional<Refusal> content(std::uint64_t size, Piece& piece) noexcept;

  // The end of the content: appends to `out` what closes the framing.
  // Refuses: kLessThanPromised, kTrailerNotCarried, kBadFieldName, kBadFieldValue, kFramingField,
  // kAlreadyEnded.
  std::optional<Refusal> end(std::string& out, std::span<const Field> trailers = {});

  const Framing& framing() const noexcept { return framing_; }
  bool sends_content() const noexcept { return content_ == Content::kSent; }
  bool ended() const noexcept { return ended_; }

  // kKeep only after end(), and where framing allows it: a body that broke off is told to the peer
  // by closing, never by an end that looks complete.
  Persistence persistence() const noexcept {
    return ended_ ? framing_.persistence : Persistence::kClose;
  }

 private:
  Framing framing_;
  Content content_ = Content::kSent;
  bool ended_ = false;
  std::uint64_t left_ = 0;
};

struct Encoded {
  std::optional<Refusal> refusal;  // then nothing was appended
  std::string_view object;  // the field, method or target that was refused: a view of the input
  BodyWriter body;          // framing and persistence, decided
};

// Appends the head to `out`. What the peer's parser makes of it is what `body.framing()` says.
Encoded encode(const ResponsePlan& plan, std::span<const Field> fields, std::string& out);
Encoded encode(const RequestPlan& plan, std::span<const Field> fields, std::string& out);

// The usual words for a status; empty where there are none.
std::string_view reason_of(int status) noexcept;

}  // namespace plumb::http
