// SPDX-License-Identifier: Apache-2.0
// Answers without an end, as they were captured.
#include <gtest/gtest.h>

#include "detect/finding/kinds.h"
#include "detect/model/exchange_legs.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kThen{1h};

class Capture {
 public:
  void add(std::uint64_t socket, std::chrono::milliseconds at, std::string text, bool sent) {
    CapturePiece piece;
    piece.socket = SocketInode{socket};
    piece.pid = Pid{812};
    piece.name = "proxy";
    piece.accepted = socket < 10;
    piece.called = socket > 10;
    piece.sent = sent;
    piece.time = kThen + at;
    piece.total = text.size();
    piece.front = std::move(text);
    ledger.add(std::move(piece));
  }

  // A request to the proxy, its own to the origin, and both answers.
  void pass_on(const std::string& answer) {
    add(1, 0ms, "GET http://o/a?token=secret HTTP/1.1\r\nHost: o\r\n\r\n", false);
    add(11, 1ms, "GET /a?token=secret HTTP/1.1\r\nHost: o\r\nAccept-Encoding: gzip\r\n\r\n", true);
    add(11, 2ms,
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\nSet-Cookie: a=1\r\n"
        "\r\n1234",
        false);
    add(1, 3ms, answer, true);
    ledger.settle_all();
  }

  Explanation explain() {
    const Story story([](SurveyBuilder& machine, int) { machine.process(812, "proxy", 1); });
    ExchangeFacts facts{ledger, ledger.take_finished()};
    for (Exchange& open : ledger.under_way([](SocketInode) { return SocketStanding{}; })) {
      facts.exchanges.push_back(std::move(open));
    }
    match_legs(ledger, facts.exchanges);
    return story.explain({}, {}, &facts);
  }

  ExchangeLedger ledger;
};

TEST(UnframedResponse, NamesWhatTheProxyDropped) {
  Capture capture;
  capture.pass_on("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nplain");
  const Explanation explanation = capture.explain();
  const Finding* found = find(explanation, id::kUnframedResponse);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->whose_move, "proxy(812)");
  EXPECT_NE(found->remedy.find("content-length: 4"), std::string::npos) << found->remedy;
  for (const Evidence& row : found->evidence) {
    EXPECT_EQ(row.value.find("secret"), std::string::npos) << row.value;
  }
}

TEST(UnframedResponse, IsNoneWithALength) {
  Capture capture;
  capture.pass_on("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
  EXPECT_EQ(find(capture.explain(), id::kUnframedResponse), nullptr);
}

TEST(UnframedResponse, IsNoneWhereTheServerWillClose) {
  Capture capture;
  capture.pass_on("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nplain");
  EXPECT_EQ(find(capture.explain(), id::kUnframedResponse), nullptr);
}

}  // namespace
}  // namespace plumb::detect
