// SPDX-License-Identifier: Apache-2.0
// The observer: exchanges, whose move it is, captures with holes, connections joined in the middle.
#include "plumb/http/observer.h"

#include <gtest/gtest.h>

#include "plumb/http/fault.h"

namespace plumb::http {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

BootTime at(int seconds) {
  return BootTime(std::chrono::seconds(seconds));
}

// A conversation in short: each call is one captured write.
class Talk {
 public:
  Talk& client(std::string_view data) {
    observer.bytes(Side::kClient, data, at(++now_));
    return *this;
  }
  Talk& server(std::string_view data) {
    observer.bytes(Side::kServer, data, at(++now_));
    return *this;
  }
  Talk& gap(Side side, std::uint64_t count) {
    observer.gap(side, count, at(++now_));
    return *this;
  }
  Talk& closed(Side side) {
    observer.closed(side, at(++now_));
    return *this;
  }
  std::string move() const { return std::string(name(observer.move())); }

  // "GET /a 200 5 [flaw]", one for each complete exchange.
  std::string done() {
    std::string text;
    for (const ObservedExchange& exchange : observer.take_complete()) {
      text += exchange.request ? exchange.request->method + " " + exchange.request->target : "?";
      if (exchange.response) {
        text += " " + std::to_string(exchange.response->status) + " " +
                std::to_string(exchange.response->content);
        if (exchange.response->progress == Progress::kCut) text += " cut";
      }
      for (const Flaw& flaw : exchange.flaws) text += " [" + std::string(name(flaw.fault)) + "]";
      text += "\n";
    }
    return text;
  }

  Observer observer;

 private:
  int now_ = 0;
};

TEST(Observer, PairsRequestsWithResponses) {
  Talk talk;
  EXPECT_EQ(talk.move(), "nobody");
  talk.client(kGet).client("HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(talk.move(), "server-response");
  talk.server("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(talk.move(), "server-body");
  ASSERT_EQ(talk.observer.open().size(), 2u);
  const ObservedExchange& open = talk.observer.open().front();
  EXPECT_EQ(open.interim, 1u);
  EXPECT_EQ(open.request->host, "h");
  EXPECT_EQ(open.request->began, at(1));
  EXPECT_EQ(open.response->began, at(3));
  EXPECT_EQ(open.response->content, 2u);
  talk.server("lloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(talk.done(), "GET /a 200 5\nHEAD /b 200 0\n");
  EXPECT_EQ(talk.move(), "nobody");
  EXPECT_EQ(talk.done(), "") << "each exchange is handed out once";
}

TEST(Observer, SaysTheSameHoweverTheBytesAreCut) {
  const std::string request =
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: "
      "1\r\n\r\n" +
      std::string(kGet);
  const std::string response =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "a\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc";
  const std::string expected = "PUT /x 200 10\nGET /a 404 3\n";
  EXPECT_EQ(Talk().client(request).server(response).done(), expected);
  Talk bytes;
  for (const char c : request) bytes.client({&c, 1});
  for (const char c : response) bytes.server({&c, 1});
  EXPECT_EQ(bytes.done(), expected);
  for (std::size_t cut = 1; cut < response.size(); ++cut) {
    Talk talk;
    talk.client(std::string_view(request).substr(0, cut))
        .client(std::string_view(request).substr(std::min(cut, request.size())));
    talk.server(std::string_view(response).substr(0, cut))
        .server(std::string_view(response).substr(cut));
    EXPECT_EQ(talk.done(), expected) << cut;
  }
}

// The first mystery: gzip decoded, the length dropped, the connection kept.
TEST(Observer, NamesTheResponseThatHasNoEnd) {
  Talk talk;
  talk.client("GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\n\r\n");
  talk.server("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=4\r\n\r\n" +
              std::string(600, 'x'));
  EXPECT_EQ(talk.move(), "unframed");
  const ObservedExchange& open = talk.observer.open().front();
  EXPECT_EQ(open.response->framing.kind, BodyKind::kUnframed);
  EXPECT_EQ(open.response->content, 600u);
  ASSERT_EQ(open.flaws.size(), 1u);
  EXPECT_EQ(open.flaws[0].fault, Fault::kUnframedResponse);
  EXPECT_EQ(open.flaws[0].side, Side::kServer);
  talk.closed(Side::kServer);
  EXPECT_EQ(talk.done(), "GET / 200 600 [unframed-response]\n");
}

TEST(Observer, KnowsWhoseMoveItIs) {
  EXPECT_EQ(Talk().client("GET /a HT").move(), "client-request");
  EXPECT_EQ(Talk().client("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").move(),
            "client-request");
  EXPECT_EQ(
      Talk()
          .client("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
          .move(),
      "server-response");
  EXPECT_EQ(Talk().client(kGet).server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc").move(),
            "server-close");
  EXPECT_EQ(Talk()
                .client(kGet)
                .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                .move(),
            "server-body");
  EXPECT_EQ(Talk()
                .client("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n")
                .server("HTTP/1.1 200 OK\r\n\r\n\x16\x03")
                .move(),
            "tunnel");
  EXPECT_EQ(Talk().client(kGet).closed(Side::kServer).move(), "closed");
  EXPECT_EQ(Talk().client(kGet).closed(Side::kClient).move(), "server-response");
  EXPECT_EQ(Talk().closed(Side::kClient).move(), "closed");
}

TEST(Observer, CountsContentThatWasNotCaptured) {
  Talk talk;
  talk.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" +
                           std::string(4000, 'x'));
  talk.gap(Side::kServer, 95999);
  EXPECT_EQ(talk.move(), "server-body");
  EXPECT_EQ(talk.observer.open().front().response->content, 99999u);
  talk.server("x").client(kGet).server("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(talk.done(), "GET /a 200 100000\nGET /a 204 0\n");
}

TEST(Observer, AGapBeyondTheBodyLosesTheThreadUntilTheNextMessage) {
  Talk talk;
  talk.client(kGet).client(kGet).client(kGet);
  talk.server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").gap(Side::kServer, 500);
  EXPECT_EQ(talk.done(), "GET /a 200 10\n");
  talk.server("not a head").server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(talk.done(), "GET /a 404 0\n");
}

TEST(Observer, AGapInChunksIsNamedAndTheEndIsFoundAgain) {
  Talk chunk;
  chunk.client(kGet).server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" +
                            std::string(100, 'x'));
  chunk.gap(Side::kServer, 0xffff - 100).server("\r\n0\r\n\r\n");
  EXPECT_EQ(chunk.done(), "GET /a 200 65535\n") << "inside one chunk nothing is lost";

  Talk over;
  over.client(kGet)
      .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc")
      .gap(Side::kServer, 5000);
  EXPECT_EQ(over.move(), "server-body");
  over.server("tail\r\n0\r\n\r\n").client(kGet).server("HTTP/1.1 204 x\r\n\r\n");
  EXPECT_EQ(over.done().substr(0, 10), "GET /a 200");
  EXPECT_EQ(over.move(), "nobody");
}

TEST(Observer, KeepsWhatItHasOfAHeadThatWasCut) {
  Talk talk;
  talk.client("GET /long HTTP/1.1\r\nHost: h\r\nCookie: " + std::string(4000, 'c'))
      .gap(Side::kClient, 2000);
  EXPECT_EQ(talk.move(), "server-response");
  EXPECT_EQ(talk.observer.open().front().request->host, "h");
  talk.server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(talk.done(), "GET /long 200 1 [gap-in-head]\n");
  talk.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(talk.done(), "GET /a 200 1\n");
}

TEST(Observer, JoinsAtTheNextMessage) {
  Talk talk;
  talk.observer.joined_late();
  EXPECT_EQ(talk.move(), "unknown");
  talk.server("rest of some body, then a line\r\n")
      .server("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  talk.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(talk.done(), "? 200 0\n? 200 2\n") << "the first answered a HEAD";
  talk.client("ello world, how are you\r\n").client(kGet);
  EXPECT_EQ(talk.move(), "server-response");
  talk.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(talk.done(), "GET /a 200 2\n");
}

TEST(Observer, NeverStopsAndNamesWhatIsWrong) {
  Talk talk;
  talk.client("GET /lf HTTP/1.1\nHost: h\n\n")
      .server("HTTP/1.1 200 OK\nContent-Length: 1\nX: a\n  folded\n\nx");
  EXPECT_EQ(talk.done(), "GET /lf 200 1 [bare-lf] [bare-lf]\n");
  talk.client(
      "GET /te HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n");
  talk.server("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc");
  EXPECT_EQ(talk.done(),
            "GET /te 200 3 [length-and-transfer-encoding] [repeated-content-length]\n");
  talk.client(kGet).server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  talk.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(talk.done(), "GET /a 200 0 [bad-chunk-size]\nGET /a 200 0\n");
}

TEST(Observer, NamesAConnectionThatEndsTooEarly) {
  EXPECT_EQ(Talk()
                .client(kGet)
                .server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
                .closed(Side::kServer)
                .done(),
            "GET /a 200 3 cut [truncated-body]\n");
  EXPECT_EQ(Talk().client(kGet).server("HTTP/1.1 200 OK\r\nConte").closed(Side::kServer).done(),
            "GET /a 200 0 cut [truncated-head]\n");
  EXPECT_EQ(Talk().client(kGet).closed(Side::kServer).done(), "GET /a\n");
  EXPECT_EQ(Talk().server("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n").done(),
            "? 408 0 [unsolicited-response]\n");
}

TEST(Observer, StaysWithinItsLimits) {
  Observer observer(ObserverLimits{.head = 64, .exchanges = 4, .flaws = 1});
  observer.bytes(Side::kClient,
                 "GET /big HTTP/1.1\r\nHost: h\r\nCookie: " + std::string(100000, 'c'), at(1));
  observer.bytes(Side::kClient, "more\r", at(1));
  observer.bytes(Side::kClient, "\n\r\n" + std::string(kGet), at(2));
  ASSERT_EQ(observer.open().size(), 2u);
  EXPECT_EQ(observer.open()[0].flaws[0].fault, Fault::kHeadTooLarge);
  EXPECT_EQ(observer.open()[1].request->target, "/a");
  for (int i = 0; i < 10; ++i) observer.bytes(Side::kClient, kGet, at(3));
  EXPECT_EQ(observer.open().size(), 4u);
  EXPECT_EQ(observer.dropped(), 8u);
}

TEST(Observer, AProtocolThatIsNotHttpIsUnknown) {
  Talk talk;
  talk.client("\x16\x03\x01\x02\x00").server("\x16\x03\x03");
  EXPECT_EQ(talk.move(), "unknown");
  EXPECT_EQ(talk.done(), "");
  talk.gap(Side::kClient, 100).closed(Side::kClient).closed(Side::kServer).closed(Side::kServer);
  EXPECT_EQ(talk.move(), "closed");
}

TEST(Observer, AGapBetweenMessagesLosesTheThread) {
  Talk talk;
  talk.gap(Side::kClient, 30).client("some bytes").client(kGet);
  EXPECT_EQ(talk.move(), "server-response");
}

TEST(Observer, LostChunksEndWhenTheNextMessageBegins) {
  Talk talk;
  talk.client(kGet).client(kGet).server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc");
  talk.gap(Side::kServer, 5000)
      .gap(Side::kServer, 100)
      .server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(talk.done(), "GET /a 200 5103 [gap-in-chunks]\nGET /a 404 0\n");
}

TEST(Observer, ARequestThatIsCutOffIsHandedOut) {
  Talk talk;
  talk.client("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Le").closed(Side::kClient);
  ASSERT_EQ(talk.observer.open().size(), 1u);
  EXPECT_EQ(talk.observer.open()[0].request->progress, Progress::kCut);
  talk.closed(Side::kServer);
  EXPECT_EQ(talk.done(), "PUT /p [truncated-head]\n");

  Talk body;
  body.client("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").closed(Side::kServer);
  const auto complete = body.observer.take_complete();
  ASSERT_EQ(complete.size(), 1u);
  EXPECT_EQ(complete[0].request->progress, Progress::kCut);
}

TEST(Observer, ATunnelIsNotHttp) {
  Talk talk;
  talk.client("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  talk.server(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
      "websocket\r\n\r\n\x81\x05hello");
  EXPECT_EQ(talk.done(), "GET /ws 101 0\n");
  talk.client(kGet).server("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(talk.done(), "");
  EXPECT_EQ(talk.move(), "tunnel");
}

}  // namespace
}  // namespace plumb::http
