// SPDX-License-Identifier: Apache-2.0
// A proxy that cannot end an answer because its origin does not: by what was heard on both legs.
#include "detect/finding/upstream.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "detect/model/exchange_legs.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kClients = 3;
constexpr std::uint32_t kEach = 4;  // sockets a client: two ends before the proxy, two behind it

// Sockets stand in the survey in this order for each client: the proxy's end towards it, its own,
// the origin's end, the proxy's end towards the origin.
void draw(SurveyBuilder& machine, int) {
  for (std::uint32_t c = 0; c < kClients; ++c) {
    const auto port = static_cast<std::uint16_t>(40000 + c);
    const auto own = static_cast<std::uint16_t>(50000 + c);
    const auto add = [&](std::uint16_t local, std::uint16_t remote, bool last_to_send) {
      const auto index = machine.ip(SOCK_STREAM, SurveyBuilder::local(local),
                                    SurveyBuilder::local(remote), SocketState::kEstablished);
      Socket& socket = machine.survey.sockets[index];
      socket.receive_queue = socket.send_queue = 0;
      socket.last_sent = BootTime(3000s + (last_to_send ? 1s : 0s));
      socket.last_received = BootTime(3000s + (last_to_send ? 0s : 1s));
    };
    add(8118, port, true);
    add(port, 8118, false);
    add(80, own, true);
    add(own, 80, false);
  }
  const auto door = machine.ip(SOCK_STREAM, SurveyBuilder::local(8118), {}, SocketState::kListen);
  const auto origin = machine.ip(SOCK_STREAM, SurveyBuilder::local(80), {}, SocketState::kListen);
  machine.process(20, "origin", 1, {"origin"});
  machine.thread(SYS_epoll_wait, 9);
  machine.stands_for(3, Kind::kTcp, origin);
  for (std::uint32_t c = 0; c < kClients; ++c) {
    machine.stands_for(static_cast<int>(10 + c), Kind::kTcp, kEach * c + 2);
  }
  machine.process(812, "proxy", 1, {"proxy"});
  machine.thread(SYS_epoll_wait, 9);
  machine.stands_for(3, Kind::kTcp, door);
  for (std::uint32_t c = 0; c < kClients; ++c) {
    machine.stands_for(static_cast<int>(10 + 2 * c), Kind::kTcp, kEach * c);
    machine.stands_for(static_cast<int>(11 + 2 * c), Kind::kTcp, kEach * c + 3);
  }
  for (std::uint32_t c = 0; c < kClients; ++c) {
    machine.process(static_cast<int>(900 + c), "curl", 1, {"curl"});
    machine.thread(SYS_read, 5);
    machine.stands_for(5, Kind::kTcp, kEach * c + 1);
  }
}

enum class Heard { kBothLegs, kOneThing, kDifferentThings };

class Capture {
 public:
  // One answer of the origin and what the proxy makes of it, for each client.
  Capture(const std::string& from_origin, const std::string& to_client,
          Heard heard = Heard::kBothLegs) {
    for (std::uint32_t c = 0; c < kClients; ++c) {
      const auto at = std::chrono::milliseconds(100 * c);
      const bool different = heard == Heard::kDifferentThings;
      const std::string target = "http://o/beat" + (different ? std::to_string(c) : "");
      add(kEach * c, at, "GET " + target + " HTTP/1.1\r\nHost: o\r\n\r\n", false);
      if (heard != Heard::kBothLegs) {
        add(kEach * c, at + 3ms, to_client, true);
        continue;
      }
      add(kEach * c + 3, at + 1ms, "GET /beat HTTP/1.1\r\nHost: o\r\n\r\n", true);
      if (!from_origin.empty()) add(kEach * c + 3, at + 2ms, from_origin, false);
      if (!to_client.empty()) add(kEach * c, at + 3ms, to_client, true);
    }
    ledger_.settle_all();
  }

  Explanation explain() {
    ExchangeFacts facts{ledger_, ledger_.take_finished()};
    for (Exchange& open : ledger_.under_way([](SocketInode) { return SocketStanding{}; })) {
      facts.exchanges.push_back(std::move(open));
    }
    match_legs(ledger_, facts.exchanges);
    return Story(draw).explain({*parse_selector("curl")}, {}, &facts);
  }

 private:
  void add(std::uint32_t socket, std::chrono::milliseconds at, std::string text, bool sent) {
    CapturePiece piece;
    piece.socket = SocketInode{5000 + socket};  // as SurveyBuilder numbers them
    piece.pid = Pid{812};
    piece.name = "proxy";
    piece.accepted = socket % kEach == 0;
    piece.called = !piece.accepted;
    piece.sent = sent;
    piece.time = BootTime(1h) + at;
    piece.total = text.size();
    piece.front = std::move(text);
    ledger_.add(std::move(piece));
  }

  ExchangeLedger ledger_;
};

constexpr const char* kChunk =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
constexpr const char* kShort = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
constexpr const char* kWhole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr const char* kOpen = "HTTP/1.1 200 OK\r\n\r\nhello";

std::string moves(const std::string& from_origin, const std::string& to_client) {
  Capture capture(from_origin, to_client);
  const Explanation found = capture.explain();
  const Finding* finding = find(found, id::kUnframedResponse);
  if (finding == nullptr) finding = find(found, id::kIdlePeerWaits);
  return finding == nullptr ? "nobody" : finding->whose_move;
}

TEST(Upstream, AnOriginThatStopsWithinAChunkMustActNotItsProxy) {
  EXPECT_EQ(moves(kChunk, kChunk), "origin(20)");
}

TEST(Upstream, AnOriginWhoseBodyIsTooShortMustAct) {
  EXPECT_EQ(moves(kShort, kShort), "origin(20)");
  EXPECT_EQ(moves(kShort, ""), "origin(20)") << "a proxy that holds the answer back";
}

TEST(Upstream, AnOriginWhoseAnswerHasNoEndMustAct) {
  EXPECT_EQ(moves(kOpen, kChunk), "origin(20)");
  EXPECT_EQ(moves(kOpen, kOpen), "origin(20)");
}

TEST(Upstream, AnOriginThatSaysNothingMustAct) {
  EXPECT_EQ(moves("", ""), "origin(20)");
}

TEST(Upstream, AProxyThatDoesNotEndAWholeAnswerMustActItself) {
  EXPECT_EQ(moves(kWhole, kChunk), "proxy(812)");
  EXPECT_EQ(moves(kWhole, kShort), "proxy(812)");
  EXPECT_EQ(moves(kWhole, kOpen), "proxy(812)");
  EXPECT_EQ(moves(kWhole, ""), "proxy(812)");
}

// A cache asks once for all: the one request was there before anybody listened.
TEST(Upstream, AnOriginThatWasAskedOnceForAllMustAct) {
  Capture capture("", kChunk, Heard::kOneThing);
  const Explanation found = capture.explain();
  const Finding* finding = find(found, id::kIdlePeerWaits);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->whose_move, "origin(20)");
}

TEST(Upstream, AServerThatIsAskedForDifferentThingsIsNoCache) {
  Capture capture("", kChunk, Heard::kDifferentThings);
  const Explanation found = capture.explain();
  const Finding* finding = find(found, id::kIdlePeerWaits);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->whose_move, "proxy(812)");
}

TEST(Upstream, WhatIsMissingIsToldOfTheOriginsAnswer) {
  Capture capture(kShort, kChunk);
  const Explanation found = capture.explain();
  const Finding* finding = find(found, id::kIdlePeerWaits);
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->summary.find("passes on"), std::string::npos) << finding->summary;
  EXPECT_NE(finding->remedy.find("all that it has announced"), std::string::npos);
}

}  // namespace
}  // namespace plumb::detect
