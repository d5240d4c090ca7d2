// SPDX-License-Identifier: Apache-2.0
// Response framing: every way in which a body can be given, in both versions, with both wishes;
// once as a recipient judges it, once as the encoder decides it, and then both against each other.
#include <gtest/gtest.h>

#include <array>

#include "plumb/http/encoder.h"
#include "support/http_events.h"

namespace plumb::http {
namespace {

struct Row {
  std::string_view name;
  Method method;
  int status;
  std::string_view fields;                  // what the head says about the body
  std::string_view content;                 // what follows the head
  std::array<std::string_view, 4> framing;  // 1.0 close, 1.0 keep-alive, 1.1 close, 1.1 keep-alive
};

// A response of each kind with "Connection: close" or "Connection: keep-alive", and the framing
// that RFC 9112 section 6.3 gives it. "-" is a fault.
constexpr std::array kRows = {
    Row{"no body",
        Method::kGet,
        200,
        "Content-Length: 0\r\n",
        "",
        {"length=0 close", "length=0 keep", "length=0 close", "length=0 keep"}},
    Row{"length",
        Method::kGet,
        200,
        "Content-Length: 2\r\n",
        "hi",
        {"length=2 close", "length=2 keep", "length=2 close", "length=2 keep"}},
    Row{"chunked",
        Method::kGet,
        200,
        "Transfer-Encoding: chunked\r\n",
        "2\r\nhi\r\n0\r\n\r\n",
        {"-", "-", "chunked close", "chunked keep"}},
    Row{"close-delimited",
        Method::kGet,
        200,
        "",
        "hi",
        {"until-close close", "unframed close", "until-close close", "unframed close"}},
    Row{"1xx", Method::kGet, 103, "", "", {"none close", "none keep", "none close", "none keep"}},
    Row{"204",
        Method::kGet,
        204,
        "Content-Length: 2\r\n",
        "",
        {"none close", "none keep", "none close", "none keep"}},
    Row{"304",
        Method::kGet,
        304,
        "Content-Length: 2\r\n",
        "",
        {"none close", "none keep", "none close", "none keep"}},
    Row{"HEAD",
        Method::kHead,
        200,
        "Content-Length: 2\r\n",
        "",
        {"none close", "none keep", "none close", "none keep"}},
    Row{"CONNECT",
        Method::kConnect,
        200,
        "Content-Length: 2\r\n",
        "",
        {"tunnel keep", "tunnel keep", "tunnel keep", "tunnel keep"}},
};

std::string text(const Framing& framing) {
  std::string words(name(framing.kind));
  if (framing.kind == BodyKind::kLength) words += "=" + std::to_string(framing.length);
  return words + (framing.persistence == Persistence::kKeep ? " keep" : " close");
}

TEST(FramingMatrix, TheRecipientsReading) {
  int cells = 0;
  for (const Row& row : kRows) {
    for (std::size_t cell = 0; cell < 4; ++cell, ++cells) {
      const std::string_view version = cell < 2 ? "1.0" : "1.1";
      const std::string_view wish = cell % 2 == 0 ? "close" : "keep-alive";
      std::string bytes = "HTTP/" + std::string(version) + " " + std::to_string(row.status) +
                          " x\r\nConnection: " + std::string(wish) + "\r\n" +
                          std::string(row.fields) + "\r\n";
      const auto label =
          std::string(row.name) + " " + std::string(version) + " " + std::string(wish);
      ResponseParser parser;
      parser.expect({row.method, false});
      const Step step = parser.next(bytes);
      if (row.framing[cell] == "-") {
        EXPECT_EQ(step.event, Event::kFault) << label;
        EXPECT_EQ(parser.fault(), Fault::kTransferEncodingIn10) << label;
        continue;
      }
      ASSERT_EQ(step.event, Event::kHead) << label;
      EXPECT_EQ(text(parser.head().framing), row.framing[cell]) << label;
      const test::Feed feed{.answers = {row.method, false}};
      const std::string said =
          test::run_all_cuts<ResponseParser>(bytes + std::string(row.content), feed);
      EXPECT_EQ(said.find("fault"), std::string::npos) << label << "\n" << said;
      EXPECT_EQ(said.find("body hi\n") != std::string::npos, !row.content.empty()) << label << said;
    }
  }
  EXPECT_EQ(cells, 36);
}

struct Choice {
  Method method;
  int status;
  BodyLength body;
};

// Everything that a server may want to send, to clients of both versions and wishes.
TEST(FramingMatrix, WhatTheEncoderDecidesIsWhatAParserReads) {
  constexpr std::string_view kContent = "hello";
  const std::array choices = {
      Choice{Method::kGet, 200, BodyLength::none()},
      Choice{Method::kGet, 200, BodyLength::known(5)},
      Choice{Method::kGet, 200, BodyLength::unknown()},
      Choice{Method::kPost, 404, BodyLength::unknown()},
      Choice{Method::kGet, 103, BodyLength::none()},
      Choice{Method::kGet, 204, BodyLength::none()},
      Choice{Method::kGet, 205, BodyLength::none()},
      Choice{Method::kGet, 304, BodyLength::known(5)},
      Choice{Method::kGet, 304, BodyLength::unknown()},
      Choice{Method::kHead, 200, BodyLength::known(5)},
      Choice{Method::kHead, 200, BodyLength::unknown()},
      Choice{Method::kConnect, 200, BodyLength::none()},
      Choice{Method::kConnect, 403, BodyLength::unknown()},
  };
  int cells = 0;
  for (const Choice& choice : choices) {
    for (const Version peer : {Version::kHttp10, Version::kHttp11}) {
      for (const Persistence wish : {Persistence::kKeep, Persistence::kClose}) {
        if (choice.status < 200 && peer == Version::kHttp10) continue;
        ++cells;
        std::string bytes;
        Encoded encoded = encode(ResponsePlan{.peer = peer,
                                              .method = choice.method,
                                              .status = choice.status,
                                              .body = choice.body,
                                              .peer_wish = wish},
                                 {}, bytes);
        ASSERT_FALSE(encoded.refusal) << choice.status;
        const std::string label = std::to_string(choice.status) + " " + bytes;
        const Framing decided = encoded.body.framing();
        EXPECT_NE(decided.kind, BodyKind::kUnframed) << label;
        const bool has_content = !choice.body.is_none() && choice.status != 304;
        if (has_content) {
          BodyWriter::Piece piece;
          ASSERT_EQ(encoded.body.content(kContent.size(), piece), std::nullopt) << label;
          if (encoded.body.sends_content()) {
            bytes.append(piece.prefix()).append(kContent).append(piece.suffix);
          }
        }
        EXPECT_EQ(encoded.body.persistence(), Persistence::kClose) << "before its end: " << label;
        ASSERT_EQ(encoded.body.end(bytes), std::nullopt) << label;
        EXPECT_EQ(encoded.body.persistence(), decided.persistence) << label;

        ResponseParser parser;
        parser.expect({choice.method, false});
        ASSERT_EQ(parser.next(bytes).event, Event::kHead) << label << name(parser.fault());
        Framing read = parser.head().framing;
        // To a client of HTTP/1.0 the answer's own version still is 1.1; both agree on the rest.
        EXPECT_EQ(text(read), text(decided)) << label;
        if (peer == Version::kHttp10 && decided.kind != BodyKind::kTunnel) {
          const bool says = bytes.find("Connection: keep-alive") != std::string::npos;
          EXPECT_EQ(says, decided.persistence == Persistence::kKeep) << label;
          EXPECT_EQ(bytes.find("chunked"), std::string::npos) << label;
        }
        const test::Feed feed{.answers = {choice.method, false}};
        const auto said = test::run_all_cuts<ResponseParser>(bytes, feed);
        EXPECT_EQ(said.find("fault"), std::string::npos) << label << said;
        if (has_content && choice.method != Method::kHead) {
          EXPECT_NE(said.find("body hello\nend"), std::string::npos) << label << said;
        }
      }
    }
  }
  EXPECT_EQ(cells, 50);
}

}  // namespace
}  // namespace plumb::http
