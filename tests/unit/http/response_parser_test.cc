// SPDX-License-Identifier: Apache-2.0
// The strict response parser: interim responses, bodies that end with the connection, tunnels.
#include <gtest/gtest.h>

#include "support/http_events.h"

namespace plumb::http {
namespace {

using test::Feed;

std::string parse(std::string_view bytes, const Feed& feed = {}) {
  return test::run_all_cuts<ResponseParser>(bytes, feed);
}

TEST(ResponseParser, GivesInterimResponsesAndTheFinalOne) {
  EXPECT_EQ(parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                  {.requests = 1}),
            "response 100 \"Continue\" 1.1 none keep\nend\n"
            "response 103 \"Early Hints\" 1.1 [Link=x] none keep\nend\n"
            "response 200 \"OK\" 1.1 [Content-Length=2] length=2 keep\nbody hi\nend\n");
}

TEST(ResponseParser, AnInterimResponseEndsNothing) {
  Feed feed{.requests = 1};
  feed.limits.interim = 2;
  const std::string interim = "HTTP/1.1 102 x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(parse(interim + interim + "HTTP/1.1 204 x\r\n\r\n", feed).substr(0, 13),
            "response 102 ");
  EXPECT_EQ(parse(interim + interim + "HTTP/1.1 204 x\r\n\r\n", feed).find("fault"),
            std::string::npos);
  EXPECT_NE(parse(interim + interim + interim, feed).find("fault too-many-interim"),
            std::string::npos);
}

TEST(ResponseParser, ABodyWithoutLengthEndsWithTheConnection) {
  const std::string announced = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
  EXPECT_EQ(parse(announced),
            "response 200 \"OK\" 1.1 [Connection=close] until-close close\nbody hello\nend\n");
  Feed open;
  open.closes = false;
  EXPECT_EQ(parse(announced, open),
            "response 200 \"OK\" 1.1 [Connection=close] until-close close\nbody hello\n");
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n\r\nhello", open),
            "response 200 \"OK\" 1.1 unframed close\nbody hello\n");
}

TEST(ResponseParser, BoundsABodyThatEndsWithTheConnection) {
  Feed feed;
  feed.limits.body = 4;
  EXPECT_EQ(parse("HTTP/1.0 200 OK\r\n\r\nhell", feed),
            "response 200 \"OK\" 1.0 until-close close\nbody hell\nend\n");
  EXPECT_EQ(parse("HTTP/1.0 200 OK\r\n\r\nhello", feed),
            "response 200 \"OK\" 1.0 until-close close\nbody hell\nfault body-too-large\n");
}

TEST(ResponseParser, HoldsWhereAnotherProtocolFollows) {
  EXPECT_EQ(
      parse("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n\x81",
            {.answers = {Method::kGet, true}}),
      "response 101 \"Switching Protocols\" 1.1 [Connection=upgrade] [Upgrade=ws] tunnel "
      "keep\nheld\n");
  EXPECT_EQ(
      parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n\x16",
            {.answers = {Method::kConnect, false}}),
      "response 200 \"OK\" 1.1 [Transfer-Encoding=chunked] [Content-Length=x] tunnel keep\nheld\n");
}

TEST(ResponseParser, NamesWhatTheConnectionCutsOff) {
  EXPECT_EQ(parse("HTTP/1.1 2"), "fault truncated-head\n");
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
            "response 200 \"OK\" 1.1 [Content-Length=9] length=9 keep\nbody hello\nfault "
            "truncated-body\n");
  EXPECT_EQ(parse(""), "");
}

TEST(ResponseParser, TakesNoResponseThatNobodyAskedFor) {
  ResponseParser parser;
  EXPECT_EQ(parser.next({}).event, Event::kNeedMore);
  EXPECT_EQ(parser.next("H").event, Event::kFault);
  EXPECT_EQ(parser.fault(), Fault::kUnsolicitedResponse);
  EXPECT_EQ(parser.next("H").event, Event::kFault) << "a fault is for good";
}

TEST(BodyParser, CountsWhatIsSkipped) {
  BodyParser counted({BodyKind::kLength, 10, Persistence::kKeep}, {});
  EXPECT_EQ(counted.content_left(), 10u);
  EXPECT_EQ(counted.skip(4), 4u);
  EXPECT_EQ(counted.next("abc").content, "abc");
  EXPECT_EQ(counted.skip(100), 3u);
  EXPECT_TRUE(counted.complete());
  EXPECT_EQ(counted.content_seen(), 10u);
  EXPECT_EQ(counted.content_left(), 0u);

  BodyParser chunked({BodyKind::kChunked, 0, Persistence::kKeep}, {});
  EXPECT_EQ(chunked.skip(1), 0u) << "a chunk line cannot be skipped";
  EXPECT_EQ(chunked.next("8\r\nab").content, "ab");
  EXPECT_EQ(chunked.skip(100), 6u);
  EXPECT_EQ(chunked.content_left(), std::nullopt);

  BodyParser endless({BodyKind::kUnframed, 0, Persistence::kClose}, {});
  EXPECT_EQ(endless.skip(1000), 1000u);
  EXPECT_EQ(endless.closed(), std::nullopt);
  EXPECT_TRUE(endless.complete());
}

}  // namespace
}  // namespace plumb::http
