// SPDX-License-Identifier: Apache-2.0
// Which responses are coded and decoded, and what their heads become.
#include "plumb/http/coding_policy.h"

#include <gtest/gtest.h>

#include <array>

namespace plumb::http {
namespace {

using List = std::vector<Field>;

std::string text(const CodingDecision& decision) {
  std::string words =
      decision.coding ? std::string(name(*decision.coding)) : std::string(name(*decision.why));
  EXPECT_NE(decision.coding.has_value(), decision.why.has_value());
  for (const OwnedField& field : decision.fields)
    words += " [" + field.name + ": " + field.value + "]";
  return words;
}

std::string decoded(const List& request, const List& response, int status = 200,
                    Method method = Method::kGet) {
  return text(decide_decode(
      {.method = method, .request = request, .status = status, .response = response}));
}

constexpr std::array kOffered = {Coding::kBrotli, Coding::kZstd, Coding::kGzip};

std::string encoded(const List& request, const List& response, int status = 200,
                    std::optional<std::uint64_t> length = 1000, Method method = Method::kGet) {
  return text(decide_encode({.method = method,
                             .request = request,
                             .status = status,
                             .response = response,
                             .length = length},
                            {.offered = kOffered}));
}

// The proxy of the first mystery asked for gzip by itself.
TEST(DecodePolicy, DecodesForAClientThatAskedForNothing) {
  EXPECT_EQ(decoded({{"Host", "h"}}, {{"Content-Encoding", "gzip"},
                                      {"Content-Length", "600"},
                                      {"Connection", "keep-alive, X-Hop"},
                                      {"X-Hop", "1"},
                                      {"ETag", "\"abc\""},
                                      {"Accept-Ranges", "bytes"},
                                      {"Content-MD5", "x"},
                                      {"Repr-Digest", "x"},
                                      {"Server", "s"}}),
            "gzip [ETag: W/\"abc\"] [Server: s] [Vary: Accept-Encoding]");
}

TEST(DecodePolicy, LeavesWhatTheClientUnderstands) {
  EXPECT_EQ(decoded({{"Accept-Encoding", "gzip, br"}},
                    {{"Content-Encoding", "x-gzip"}, {"ETag", "\"a\""}}),
            "accepted [Content-Encoding: x-gzip] [ETag: \"a\"]");
  EXPECT_EQ(decoded({{"Accept-Encoding", "gzip;q=0"}}, {{"Content-Encoding", "gzip"}}),
            "gzip [Vary: Accept-Encoding]");
  const List request = {{"Accept-Encoding", "gzip"}};
  const List response = {{"Content-Encoding", "gzip"}};
  EXPECT_EQ(text(decide_decode_for_reader({.request = request, .response = response})),
            "gzip [Vary: Accept-Encoding]");
}

TEST(DecodePolicy, NeverTouchesRangesNorWhatForbidsIt) {
  const List gzip = {{"Content-Encoding", "gzip"}};
  EXPECT_EQ(decoded({}, gzip, 206), "range [Content-Encoding: gzip]");
  EXPECT_EQ(
      decoded({}, {{"Content-Encoding", "gzip"}, {"Content-Range", "bytes 0-1/2"}}).substr(0, 5),
      "range");
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "gzip"}, {"Cache-Control", "public, No-Transform"}})
                .substr(0, 12),
            "no-transform");
  EXPECT_EQ(decoded({{"Cache-Control", "no-transform"}}, gzip).substr(0, 12), "no-transform");
  EXPECT_EQ(decoded({}, gzip, 200, Method::kHead).substr(0, 7), "no-body");
  for (const int status : {101, 103, 204, 304})
    EXPECT_EQ(decoded({}, gzip, status).substr(0, 7), "no-body");
  EXPECT_EQ(decoded({}, gzip, 200, Method::kConnect).substr(0, 7), "no-body");
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "gzip, br"}}).substr(0, 14), "unknown-coding");
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "compress"}}).substr(0, 14), "unknown-coding");
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "identity"}}).substr(0, 9), "not-coded");
  EXPECT_EQ(decoded({}, {}), "not-coded");
}

TEST(DecodePolicy, KeepsAWeakETagAndAVaryThatSaysItAlready) {
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "br"},
                         {"ETag", "W/\"a\""},
                         {"Vary", "Origin, accept-encoding"}}),
            "br [ETag: W/\"a\"] [Vary: Origin, accept-encoding]");
  EXPECT_EQ(decoded({}, {{"Content-Encoding", "br"}, {"Vary", "*"}}), "br [Vary: *]");
}

TEST(EncodePolicy, EncodesTextForThoseWhoAccept) {
  EXPECT_EQ(encoded({{"Accept-Encoding", "gzip, deflate, br"}},
                    {{"Content-Type", "text/html; charset=utf-8"},
                     {"Content-Length", "1000"},
                     {"ETag", "\"a\""}}),
            "br [Content-Type: text/html; charset=utf-8] [ETag: W/\"a\"] [Vary: Accept-Encoding] "
            "[Content-Encoding: br]");
  EXPECT_EQ(encoded({{"Accept-Encoding", "gzip"}}, {{"Content-Type", "application/problem+JSON"}})
                .substr(0, 4),
            "gzip");
}

TEST(EncodePolicy, LeavesTheRest) {
  const List html = {{"Content-Type", "text/html"}};
  const List any = {{"Accept-Encoding", "*"}};
  EXPECT_EQ(encoded({}, html), "not-accepted [Content-Type: text/html] [Vary: Accept-Encoding]");
  EXPECT_EQ(encoded(any, {{"Content-Type", "image/png"}}).substr(0, 12), "not-worth-it");
  EXPECT_EQ(encoded(any, html, 200, 255).substr(0, 12), "not-worth-it");
  EXPECT_EQ(encoded(any, html, 200, std::nullopt).substr(0, 2), "br");
  EXPECT_EQ(encoded(any, html, 206).substr(0, 5), "range");
  EXPECT_EQ(encoded(any, html, 200, 1000, Method::kHead).substr(0, 7), "no-body");
  EXPECT_EQ(
      encoded(any, {{"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}}).substr(0, 13),
      "already-coded");
  EXPECT_EQ(encoded(any, {{"Content-Type", "text/html"}, {"Cache-Control", "no-transform"}})
                .substr(0, 12),
            "no-transform");
}

TEST(Negotiate, FollowsWeightsThenTheServersOrder) {
  const auto pick = [](std::string_view accept) {
    const auto coding = negotiate(accept, kOffered);
    return coding ? std::string(name(*coding)) : std::string("plain");
  };
  EXPECT_EQ(pick("gzip, br"), "br");
  EXPECT_EQ(pick("gzip;q=1.0, br;q=0.5"), "gzip");
  EXPECT_EQ(pick("GZIP ; Q=0.001"), "gzip");
  EXPECT_EQ(pick("*"), "br");
  EXPECT_EQ(pick("*;q=0.5, br;q=0"), "zstd");
  EXPECT_EQ(pick("identity, gzip;q=0.5"), "plain");
  EXPECT_EQ(pick("identity;q=0.5, gzip;q=0.5"), "gzip");
  EXPECT_EQ(pick("gzip;q=0"), "plain");
  EXPECT_EQ(pick("gzip;q=2, br;q=x, zstd;level=3"), "plain");
  EXPECT_EQ(pick(""), "plain");
  EXPECT_EQ(pick(",,gzip,"), "gzip");
}

}  // namespace
}  // namespace plumb::http
