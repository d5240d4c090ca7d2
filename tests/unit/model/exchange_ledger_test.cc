// SPDX-License-Identifier: Apache-2.0
#include "detect/model/exchange_ledger.h"

#include <gtest/gtest.h>

#include "detect/model/exchange_legs.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using What = CapturePiece::What;

constexpr BootTime kStart{1h};

// One process with sockets: 1 and 2 were accepted, 11 and 12 it made itself.
class Ledger : public testing::Test {
 protected:
  CapturePiece piece(std::uint64_t socket, What what, std::chrono::milliseconds at) {
    CapturePiece p;
    p.what = what;
    p.socket = SocketInode{socket};
    p.pid = Pid{812};
    p.fd = Fd{static_cast<int>(socket)};
    p.name = "proxy";
    p.accepted = socket < 10;
    p.called = socket > 10;
    p.time = kStart + at;
    return p;
  }
  void received(std::uint64_t socket, std::chrono::milliseconds at, std::string text) {
    add(socket, at, std::move(text), false);
  }
  void sent(std::uint64_t socket, std::chrono::milliseconds at, std::string text) {
    add(socket, at, std::move(text), true);
  }
  void add(std::uint64_t socket, std::chrono::milliseconds at, std::string text, bool own) {
    CapturePiece p = piece(socket, What::kData, at);
    p.sent = own;
    p.total = text.size();
    p.front = std::move(text);
    ledger.add(std::move(p));
  }
  FramingState only_state(SocketStanding standing = {}) {
    ledger.settle_all();
    const auto open = ledger.under_way([&](SocketInode) { return standing; });
    EXPECT_EQ(open.size(), 1u);
    return open.empty() ? FramingState::kUnknown : open.front().state;
  }

  ExchangeLedger ledger;
};

TEST_F(Ledger, AHeadThatWasCutGivesNoVerdict) {
  received(1, 0ms, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CapturePiece p = piece(1, What::kData, 5ms);
  p.sent = true;
  p.front = "HTTP/1.1 200 OK\r\nContent-Security-Policy: a\r\n";
  p.total = p.front.size() + 700;
  ledger.add(std::move(p));
  EXPECT_EQ(only_state(), FramingState::kUnknown) << "its length may stand in what was not seen";
}

TEST_F(Ledger, ARequestHeadThatWasCutGivesNoVerdict) {
  CapturePiece p = piece(1, What::kData, 0ms);
  p.front = "POST /a HTTP/1.1\r\nContent-Length: 9\r\nCookie: ";
  p.total = p.front.size() + 700;
  ledger.add(std::move(p));
  EXPECT_EQ(only_state(), FramingState::kUnknown);
}

TEST_F(Ledger, ARequestAndItsResponse) {
  received(1, 0ms, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  sent(1, 5ms, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ledger.settle_all();
  const auto done = ledger.take_finished();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].state, FramingState::kComplete);
  EXPECT_EQ(done[0].http.request->target, "/a");
  EXPECT_EQ(done[0].http.response->status, 200);
  EXPECT_EQ(ledger.connection(done[0].connection).role, Role::kServer);
}

TEST_F(Ledger, PiecesAreTakenInTheOrderOfTheirTimes) {
  sent(1, 5ms, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  received(1, 0ms, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  ledger.settle(kStart + 10ms);  // nothing is old enough yet
  EXPECT_TRUE(ledger.take_finished().empty());
  ledger.settle(kStart + 40ms);
  EXPECT_EQ(ledger.take_finished().size(), 1u);
}

TEST_F(Ledger, EachWayOfNotEndingHasItsName) {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  received(1, 0ms, get);
  EXPECT_EQ(only_state(), FramingState::kNoResponse);
  sent(1, 1ms, "HTTP/1.1 200 OK\r\nContent-Length: 5120\r\n\r\n12345");
  EXPECT_EQ(only_state(), FramingState::kWaitsForLength);
}

TEST_F(Ledger, ABodyWithoutAnEndOnAConnectionThatIsKept) {
  sent(11, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  received(11, 1ms, "HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nbody");
  EXPECT_EQ(only_state(), FramingState::kUnframed);
  EXPECT_EQ(ledger.under_way([](SocketInode) { return SocketStanding{}; })[0].move,
            http::Move::kUnframed);
}

TEST_F(Ledger, AChunkThatStopsAndARequestThatStops) {
  received(1, 0ms, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n1234");
  EXPECT_EQ(only_state(), FramingState::kRequestUnfinished);
  received(1, 1ms, "567890");
  sent(1, 2ms, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
  EXPECT_EQ(only_state(), FramingState::kInChunk);
}

TEST_F(Ledger, ACloseThatWasAnnouncedAndAShortBody) {
  sent(11, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  received(11, 1ms, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody");
  EXPECT_EQ(only_state(), FramingState::kUntilClose);
  ledger.add(piece(11, What::kClosed, 3ms));
  sent(12, 4ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  received(12, 5ms, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbody");
  ledger.add(piece(12, What::kPeerEnded, 6ms));
  ledger.settle_all();
  const auto done = ledger.take_finished();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].state, FramingState::kComplete);
  EXPECT_EQ(done[1].state, FramingState::kCut);
  EXPECT_EQ(done[1].missing, 96u);
}

TEST_F(Ledger, AConnectionThatEndsBeforeTheAnswer) {
  received(1, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ledger.add(piece(0, What::kExit, 5ms));
  ledger.settle_all();
  const auto done = ledger.take_finished();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].state, FramingState::kUnanswered);
}

TEST_F(Ledger, WhatIsLeftInTheQueueAndNobodyReads) {
  sent(11, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  received(11, 1ms, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbody");
  EXPECT_EQ(only_state({.unread = 96, .waited_on = false}), FramingState::kUnread);
  EXPECT_EQ(only_state({.unread = 96, .waited_on = true}), FramingState::kWaitsForLength);
}

TEST_F(Ledger, LostBytesMakeTheStateUnknown) {
  received(1, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(only_state({.lost = 512}), FramingState::kUnknown);
  CapturePiece p = piece(1, What::kData, 2ms);
  p.lost = 77;
  p.total = 3;
  p.front = "abc";
  p.sent = true;
  ledger.add(p);
  EXPECT_EQ(only_state(), FramingState::kUnknown);
}

TEST_F(Ledger, AConnectionThatWasThereBeforeIsJoinedAtAMessagesStart) {
  CapturePiece p = piece(21, What::kData, 0ms);
  p.called = false;
  p.late = true;
  p.sent = true;
  p.front = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
  p.total = p.front.size();
  ledger.add(p);
  ledger.settle_all();
  ASSERT_EQ(ledger.connections().size(), 1u);
  EXPECT_TRUE(ledger.connections()[0]->late);
  EXPECT_EQ(ledger.connections()[0]->role, Role::kClient);
  EXPECT_EQ(only_state(), FramingState::kNoResponse);
}

TEST_F(Ledger, Http2IsRecognisedAndNotParsed) {
  received(1, 0ms, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n....");
  ledger.settle_all();
  EXPECT_TRUE(ledger.connections()[0]->http2);
  EXPECT_TRUE(ledger.under_way([](SocketInode) { return SocketStanding{}; }).empty());
}

TEST_F(Ledger, BytesAfterTheEndAreCounted) {
  received(1, 0ms, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  sent(1, 1ms, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more");
  ledger.settle_all();
  EXPECT_EQ(ledger.connections()[0]->stray_server, 9u);
}

TEST_F(Ledger, TwoLegsAndTheLengthThatWasDropped) {
  received(1, 0ms, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  sent(11, 1ms, "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n");
  received(11, 2ms, "HTTP/1.1 200 OK\r\nContent-Length: 26\r\nX: 1\r\n\r\n");
  received(11, 3ms, "abcdefghijklmnopqrstuvwxyz");
  sent(1, 4ms, "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nabcdefghijklmnopqrstuvwxyz");
  received(2, 5ms, "GET /y HTTP/1.1\r\nHost: h\r\n\r\n");  // another request, no leg
  ledger.settle_all();
  auto all = ledger.take_finished();
  for (Exchange& e : ledger.under_way([](SocketInode) { return SocketStanding{}; })) {
    all.push_back(std::move(e));
  }
  match_legs(ledger, all);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].state, FramingState::kUnframed);
  EXPECT_EQ(all[1].upstream, all[0].id);
  ASSERT_EQ(all[1].differences.size(), 1u);
  EXPECT_EQ(all[1].differences[0].name, "content-length");
  EXPECT_EQ(all[1].differences[0].upstream, "26");
  EXPECT_EQ(all[1].differences[0].downstream, std::nullopt);
  EXPECT_EQ(all[2].upstream, std::nullopt);
}

TEST_F(Ledger, WhatIsInsideOfATunnelIsFollowedAfterIt) {
  sent(11, 0ms, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  received(11, 1ms, "HTTP/1.1 200 Connection established\r\n\r\n");
  sent(11, 2ms, "\x16\x03\x01 a handshake");
  const auto inside = [&](std::chrono::milliseconds at, std::string text, bool own) {
    CapturePiece p = piece(11, What::kData, at);
    p.sent = own;
    p.tls = true;
    p.total = text.size();
    p.front = std::move(text);
    ledger.add(std::move(p));
  };
  inside(3ms, "GET /inside HTTP/1.1\r\nHost: h\r\n\r\n", true);
  inside(4ms, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
  ledger.settle_all();
  const auto done = ledger.take_finished();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].state, FramingState::kTunnel);
  EXPECT_EQ(done[1].state, FramingState::kComplete);
  EXPECT_EQ(done[1].http.request->target, "/inside");
  EXPECT_TRUE(ledger.connection(done[1].connection).tls);
}

TEST(Legs, TargetsThatMeanTheSame) {
  EXPECT_TRUE(same_target("/a?b", "http://h:8080/a?b"));
  EXPECT_TRUE(same_target("/api/users", "/users"));
  EXPECT_FALSE(same_target("/a", "/b"));
  EXPECT_FALSE(same_target("/a/", "/"));
}

TEST_F(Ledger, ConnectionsThatAreTooManyPushOutTheOldest) {
  ExchangeLedger small({.connections = 2});
  for (std::uint64_t socket = 1; socket <= 5; ++socket) {
    CapturePiece p = piece(socket, What::kData, std::chrono::milliseconds(socket));
    p.front = "GET / HTTP/1.1\r\n\r\n";
    p.total = p.front.size();
    small.add(p);
  }
  small.settle_all();
  EXPECT_EQ(small.dropped(), 3u);
}

}  // namespace
}  // namespace plumb::detect
