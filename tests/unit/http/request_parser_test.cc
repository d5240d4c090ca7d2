// SPDX-License-Identifier: Apache-2.0
// The strict request parser: events, lifetimes, limits, persistence; each input at every split.
#include <gtest/gtest.h>

#include "support/http_events.h"

namespace plumb::http {
namespace {

using test::Feed;
using test::run_all_cuts;

std::string parse(std::string_view bytes, const Feed& feed = {}) {
  return run_all_cuts<RequestParser>(bytes, feed);
}

TEST(RequestParser, GivesHeadAndEndOfARequestWithoutBody) {
  EXPECT_EQ(parse("GET /a?b HTTP/1.1\r\nHost: x\r\nAccept: \t */* \t\r\nEmpty:\r\n\r\n"),
            "request GET /a?b 1.1 [Host=x] [Accept=*/*] [Empty=] none keep\nend\n");
}

TEST(RequestParser, ParsesPipelinedRequestsWithBodies) {
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                  "PUT /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                  "3;a=\"b;\\\"\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nSum: 13\r\n\r\n"
                  "GET / HTTP/1.0\r\n\r\n"),
            "request POST / 1.1 [Host=x] [Content-Length=3] length=3 keep\nbody abc\nend\n"
            "request PUT /p 1.1 [Host=x] [Transfer-Encoding=Chunked] chunked keep\n"
            "body abc0123456789\nend [Sum=13]\n"
            "request GET / 1.0 none close\nend\n");
}

TEST(RequestParser, HoldsAfterConnectAndUpgrade) {
  EXPECT_EQ(parse("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03\x01"),
            "request CONNECT a:443 1.1 [Host=a:443] none keep\nend\nheld\n");
  EXPECT_EQ(
      parse(
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\n\r\n\x81"),
      "request GET / 1.1 [Host=a] [Connection=x, Upgrade] [Upgrade=websocket] none "
      "keep\nend\nheld\n");
}

TEST(RequestParser, GoesOnWhenAnUpgradeWasNotGranted) {
  constexpr std::string_view kFirst =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
  constexpr std::string_view kSecond = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestParser parser;
  EXPECT_EQ(parser.next(kFirst).consumed, kFirst.size());
  EXPECT_TRUE(parser.head().upgrade);
  EXPECT_EQ(parser.next({}).event, Event::kEnd);
  EXPECT_EQ(parser.next(kSecond).event, Event::kHeld);
  parser.resume();
  EXPECT_EQ(parser.next(kSecond).event, Event::kHead);
  EXPECT_EQ(parser.head().target, "/2");
}

TEST(RequestParser, SkipsAFewEmptyLinesBeforeARequest) {
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), "request GET / 1.0 none close\nend\n");
  EXPECT_EQ(parse("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n"), "fault bad-start-line\n");
}

TEST(RequestParser, RefusesHalfAnEmptyLine) {
  EXPECT_EQ(parse("\rGET / HTTP/1.0\r\n\r\n"), "fault bare-cr\n");
  EXPECT_EQ(parse("\nGET / HTTP/1.0\r\n\r\n"), "fault bare-lf\n");
}

TEST(RequestParser, AFaultIsForGood) {
  RequestParser parser;
  EXPECT_EQ(parser.next("\n").event, Event::kFault);
  EXPECT_EQ(parser.next("GET / HTTP/1.0\r\n\r\n").event, Event::kFault);
  EXPECT_EQ(parser.closed(), Fault::kBareLf);
}

TEST(RequestParser, RefusesBytesBehindTheLastMessage) {
  EXPECT_EQ(
      parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\r\nGET"),
      "request GET / 1.1 [Host=a] [Connection=close] none close\nend\nfault data-after-close\n");
}

TEST(RequestParser, ViewsPointIntoTheCallersBytes) {
  const std::string bytes = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  const auto inside = [&](std::string_view view) {
    return view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size();
  };
  RequestParser parser;
  const Step head = parser.next(bytes);
  ASSERT_EQ(head.event, Event::kHead);
  EXPECT_TRUE(inside(parser.head().target));
  EXPECT_TRUE(inside(parser.head().host));
  EXPECT_TRUE(inside(parser.head().fields[1].value));
  EXPECT_EQ(parser.head().fields.find("content-LENGTH"), "2");
  EXPECT_EQ(parser.head().fields.find("absent"), std::nullopt);
  const Step body = parser.next(std::string_view(bytes).substr(head.consumed));
  ASSERT_EQ(body.event, Event::kBody);
  EXPECT_TRUE(inside(body.body));
}

TEST(RequestParser, NamesAConnectionThatEndsInsideAMessage) {
  EXPECT_EQ(parse("GET / HT"), "fault truncated-head\n");
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\n"), "fault truncated-head\n");
  EXPECT_EQ(parse("PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nab"),
            "request PUT / 1.0 [Content-Length=3] length=3 close\nbody ab\nfault truncated-body\n");
  EXPECT_EQ(parse("PUT / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"),
            "request PUT / 1.1 [Host=] [Transfer-Encoding=chunked] chunked keep\nbody a\n"
            "fault truncated-body\n");
  EXPECT_EQ(parse(""), "");
}

TEST(RequestParser, KnowsWhereAConnectionMayRest) {
  RequestParser parser;
  EXPECT_TRUE(parser.between_messages());
  EXPECT_EQ(parser.next("G").event, Event::kNeedMore);
  EXPECT_FALSE(parser.between_messages());
  EXPECT_EQ(parser.next("GET / HTTP/1.1\r\nHost: a\r\n\r\n").event, Event::kHead);
  EXPECT_FALSE(parser.between_messages());
  EXPECT_EQ(parser.next({}).event, Event::kEnd);
  EXPECT_TRUE(parser.between_messages());
  parser.rest();
  EXPECT_EQ(parser.next("GET /b HTTP/1.1\r\nHost: b\r\n\r\n").event, Event::kHead);
  EXPECT_EQ(parser.head().host, "b");
}

// An idle connection may cost 1 KiB of user memory in all.
TEST(RequestParser, IsSmallAtRest) {
  EXPECT_LE(sizeof(RequestParser), 512u);
  EXPECT_LE(sizeof(ResponseParser), 512u);
}

TEST(RequestParser, ExpectContinueIsOfHttp11Only) {
  RequestParser parser;
  EXPECT_EQ(
      parser.next("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n")
          .event,
      Event::kHead);
  EXPECT_TRUE(parser.head().expects_continue);
  RequestParser old;
  EXPECT_EQ(old.next("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n").event,
            Event::kHead);
  EXPECT_FALSE(old.head().expects_continue);
}

TEST(RequestParser, EachLimitHasItsFaultAtTheExactByte) {
  struct Case {
    Limits limits;
    std::string fits, exceeds, fault;
  };
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<Case> cases = {
      {{.start_line = 16}, head + "\r\n", "GET /a HTTP/1.1\r\n", "start-line-too-long"},
      {{.field_line = 9},
       head + "\r\n",
       "GET / HTTP/1.1\r\nHost: ab\r\n\r\n",
       "field-line-too-long"},
      {{.fields = 2}, head + "A:\r\n\r\n", head + "A:\r\nB:\r\n\r\n", "too-many-fields"},
      {{.head = 27}, head + "\r\n", head + "A:\r\n\r\n", "head-too-large"},
      {{.chunk_line = 5},
       chunked + "1;a\r\nx\r\n0\r\n\r\n",
       chunked + "1;ab\r\nx\r\n0\r\n\r\n",
       "chunk-line-too-long"},
      {{.trailer = 6},
       chunked + "0\r\nA:\r\n\r\n",
       chunked + "0\r\nA:b\r\n\r\n",
       "trailer-too-large"},
      {{.body = 3},
       chunked + "2\r\nxx\r\n1\r\nx\r\n0\r\n\r\n",
       chunked + "2\r\nxx\r\n2\r\nx",
       "body-too-large"},
      {{.body = 3},
       "PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
       "PUT / HTTP/1.0\r\nContent-Length: 4\r\n\r\n",
       "body-too-large"},
  };
  for (const Case& c : cases) {
    Feed feed{.limits = c.limits};
    EXPECT_EQ(parse(c.fits, feed).find("fault"), std::string::npos)
        << c.fault << parse(c.fits, feed);
    EXPECT_NE(parse(c.exceeds, feed).find("fault " + c.fault + "\n"), std::string::npos)
        << parse(c.exceeds, feed);
  }
}

TEST(RequestParser, AnswersTheAttacksOfTheTradeWithinBounds) {
  const std::string huge(1 << 20, 'a');
  EXPECT_EQ(test::run<RequestParser>("GET /" + huge, {}), "fault start-line-too-long\n");
  EXPECT_EQ(test::run<RequestParser>("GET / HTTP/1.1\r\nA: " + huge, {}),
            "fault field-line-too-long\n");
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 10000; ++i) many += "A:\r\n";
  EXPECT_EQ(test::run<RequestParser>(many, {}), "fault too-many-fields\n");
  EXPECT_EQ(
      parse("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"),
      "request PUT / 1.1 [Host=a] [Transfer-Encoding=chunked] chunked keep\nfault "
      "chunk-size-overflow\n");
}

TEST(RequestParser, TenThousandPipelinedRequestsEachEnd) {
  std::string bytes;
  for (int i = 0; i < 10000; ++i) bytes += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestParser parser;
  std::string_view rest = bytes;
  int ends = 0;
  for (Step step = parser.next(rest); step.event != Event::kNeedMore; step = parser.next(rest)) {
    ASSERT_NE(step.event, Event::kFault);
    ends += step.event == Event::kEnd ? 1 : 0;
    rest.remove_prefix(step.consumed);
  }
  EXPECT_EQ(ends, 10000);
}

}  // namespace
}  // namespace plumb::http
