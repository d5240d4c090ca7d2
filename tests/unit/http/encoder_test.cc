// SPDX-License-Identifier: Apache-2.0
// What the encoder writes and what it refuses.
#include "plumb/http/encoder.h"

#include <gtest/gtest.h>

#include "support/http_events.h"

namespace plumb::http {
namespace {

std::string response(const ResponsePlan& plan, std::vector<Field> fields = {}) {
  std::string out;
  const Encoded encoded = encode(plan, fields, out);
  if (encoded.refusal) {
    EXPECT_EQ(out, "") << "something was written although it was refused";
    return "refused " + std::string(name(*encoded.refusal)) + " " + std::string(encoded.object);
  }
  return out;
}

std::string request(const RequestPlan& plan, std::vector<Field> fields = {}) {
  std::string out;
  const Encoded encoded = encode(plan, fields, out);
  if (encoded.refusal) {
    EXPECT_EQ(out, "") << "something was written although it was refused";
    return "refused " + std::string(name(*encoded.refusal)) + " " + std::string(encoded.object);
  }
  return out;
}

TEST(Encoder, WritesResponseHeads) {
  EXPECT_EQ(response({.body = BodyLength::known(3)}, {{"Content-Type", "text/plain"}}),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\n");
  EXPECT_EQ(response({.status = 299, .reason = "Fine", .body = BodyLength::unknown()}),
            "HTTP/1.1 299 Fine\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(response({.peer = Version::kHttp10, .body = BodyLength::unknown()}),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(
      response({.status = 101, .upgrade = "websocket"}),
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(response({.method = Method::kConnect, .status = 200}), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(response({.status = 100}), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(Encoder, WritesRequestHeads) {
  EXPECT_EQ(request({.host = "a"}), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(request({.method = "POST", .host = "a"}),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(request({.method = "PUT",
                     .host = "a",
                     .body = BodyLength::unknown(),
                     .own_wish = Persistence::kClose}),
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(request({.method = "CONNECT", .target = "b:443", .host = "b:443"}),
            "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n");
  EXPECT_EQ(
      request({.host = "a", .peer = Version::kHttp10, .upgrade = "h2c", .accepts_trailers = true}),
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, TE, keep-alive\r\nUpgrade: h2c\r\nTE: "
      "trailers\r\n\r\n");
}

TEST(Encoder, RefusesTheFieldsThatAreItsOwn) {
  for (const std::string_view own : {"Content-Length", "TRANSFER-ENCODING", "connection",
                                     "Keep-Alive", "Proxy-Connection", "Upgrade", "TE"}) {
    EXPECT_EQ(response({}, {{own, "x"}}), "refused framing-field " + std::string(own));
    EXPECT_EQ(request({.host = "a"}, {{own, "x"}}), "refused framing-field " + std::string(own));
  }
  EXPECT_EQ(request({.host = "a"}, {{"Host", "b"}}), "refused framing-field Host");
}

TEST(Encoder, LetsNoByteBreakOutOfItsLine) {
  for (const char bad : {'\r', '\n', '\0', '\x7f', '\x1b'}) {
    const std::string text = std::string("a") + bad + "b";
    EXPECT_EQ(response({}, {{"X", text}}), "refused bad-field-value X");
    EXPECT_EQ(response({}, {{text, "x"}}), "refused bad-field-name " + text);
    EXPECT_EQ(response({.reason = text}), "refused bad-reason " + text);
    EXPECT_EQ(response({.status = 101, .upgrade = text}).substr(0, 23), "refused bad-field-value");
    EXPECT_EQ(request({.method = text, .host = "a"}), "refused bad-method " + text);
    EXPECT_EQ(request({.target = "/" + text, .host = "a"}), "refused bad-target /" + text);
    EXPECT_EQ(request({.host = text}), "refused bad-host " + text);
    EXPECT_EQ(request({.host = "a", .upgrade = text}).substr(0, 23), "refused bad-field-value");
  }
  EXPECT_EQ(response({}, {{"", "x"}}), "refused bad-field-name ");
  EXPECT_EQ(request({.target = "", .host = "a"}), "refused bad-target ");
  EXPECT_EQ(request({.target = "/a b", .host = "a"}), "refused bad-target /a b");
  EXPECT_EQ(request({}), "refused bad-host ");
}

TEST(Encoder, RefusesContentWhereThereCanBeNone) {
  for (const int status : {100, 204, 205}) {
    EXPECT_EQ(response({.status = status, .body = BodyLength::known(1)}).substr(0, 24),
              "refused body-not-allowed");
    EXPECT_EQ(response({.status = status, .body = BodyLength::unknown()}).substr(0, 24),
              "refused body-not-allowed");
  }
  EXPECT_EQ(response({.method = Method::kConnect, .body = BodyLength::known(1)}).substr(0, 24),
            "refused body-not-allowed");
  EXPECT_EQ(request({.method = "TRACE", .host = "a", .body = BodyLength::known(1)}).substr(0, 24),
            "refused body-not-allowed");
  EXPECT_EQ(
      request(
          {.method = "PUT", .host = "a", .body = BodyLength::unknown(), .peer = Version::kHttp10}),
      "refused length-required /");
  EXPECT_EQ(response({.peer = Version::kHttp10, .status = 100}), "refused interim-to-1.0 ");
  EXPECT_EQ(response({.status = 101}), "refused bad-status ");
  EXPECT_EQ(response({.status = 99}), "refused bad-status ");
  EXPECT_EQ(response({.status = 1000}), "refused bad-status ");
}

TEST(BodyWriter, HoldsContentToItsPromise) {
  std::string out;
  BodyWriter::Piece piece;
  BodyWriter writer = encode(ResponsePlan{.body = BodyLength::known(3)}, {}, out).body;
  EXPECT_EQ(writer.content(2, piece), std::nullopt);
  EXPECT_EQ(writer.end(out), Refusal::kLessThanPromised);
  EXPECT_EQ(writer.content(2, piece), Refusal::kMoreThanPromised);
  EXPECT_EQ(writer.persistence(), Persistence::kClose);
  EXPECT_EQ(writer.content(1, piece), std::nullopt);
  EXPECT_EQ(writer.end(out, std::vector<Field>{{"A", "b"}}), Refusal::kTrailerNotCarried);
  EXPECT_EQ(writer.end(out), std::nullopt);
  EXPECT_EQ(writer.persistence(), Persistence::kKeep);
  EXPECT_EQ(writer.content(1, piece), Refusal::kAlreadyEnded);
  EXPECT_EQ(writer.end(out), Refusal::kAlreadyEnded);
}

TEST(BodyWriter, WritesChunksAndTrailers) {
  std::string out;
  BodyWriter::Piece piece;
  BodyWriter writer(Framing{BodyKind::kChunked, 0, Persistence::kKeep}, Content::kSent);
  EXPECT_EQ(writer.content(0, piece), std::nullopt);
  EXPECT_EQ(piece.prefix(), "") << "a chunk of size 0 would end the body";
  EXPECT_EQ(writer.content(0xabcdef0123456789, piece), std::nullopt);
  EXPECT_EQ(piece.prefix(), "abcdef0123456789\r\n");
  EXPECT_EQ(piece.suffix, "\r\n");
  for (const std::string_view own :
       {"Content-Length", "Host", "Content-Encoding", "Trailer", "Connection"}) {
    EXPECT_EQ(writer.end(out, std::vector<Field>{{own, "1"}}), Refusal::kFramingField);
  }
  EXPECT_EQ(writer.end(out, std::vector<Field>{{"A", "b\r\nC: d"}}), Refusal::kBadFieldValue);
  EXPECT_EQ(out, "");
  EXPECT_EQ(writer.end(out, std::vector<Field>{{"A", "b"}}), std::nullopt);
  EXPECT_EQ(out, "0\r\nA: b\r\n\r\n");
}

TEST(BodyWriter, RefusesContentBehindAHeadThatHasNone) {
  std::string out;
  BodyWriter::Piece piece;
  BodyWriter none = encode(ResponsePlan{.status = 304, .body = BodyLength::known(9)}, {}, out).body;
  EXPECT_EQ(none.content(1, piece), Refusal::kBodyNotAllowed);
  EXPECT_EQ(none.end(out), std::nullopt);
}

TEST(BodyWriter, DropsTheContentOfHead) {
  std::string out;
  BodyWriter::Piece piece;
  Encoded head =
      encode(ResponsePlan{.method = Method::kHead, .body = BodyLength::known(9)}, {}, out);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  EXPECT_FALSE(head.body.sends_content());
  EXPECT_EQ(head.body.content(9, piece), std::nullopt);
  EXPECT_EQ(head.body.end(out), std::nullopt);
  EXPECT_EQ(head.body.persistence(), Persistence::kKeep);
}

TEST(Refusals, EachSaysWhatToDo) {
  for (int i = 0; i <= static_cast<int>(Refusal::kAlreadyEnded); ++i) {
    EXPECT_FALSE(name(static_cast<Refusal>(i)).empty());
    EXPECT_TRUE(advice(static_cast<Refusal>(i)).ends_with('.'));
  }
}

TEST(Reasons, AreTheUsualWords) {
  EXPECT_EQ(reason_of(404), "Not Found");
  EXPECT_EQ(reason_of(599), "");
}

}  // namespace
}  // namespace plumb::http
