// SPDX-License-Identifier: Apache-2.0
// Connections to other machines whose end has gone without a word.
#include <gtest/gtest.h>

#include <optional>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct Peer {
  std::optional<seconds> received{};  // before the last look, its last bytes
  seconds sent{6};                    // before the last look, the last try
  std::uint32_t waiting = 900;        // bytes, at the first look
  // The other end is in another network of this machine, and has so many bytes to read.
  std::optional<std::uint32_t> unread{};
};

bool found(const Peer& peer, int looks = 32) {
  const Story story(
      [&](SurveyBuilder& machine, int look) {
        const auto here = SurveyBuilder::at(10, 9, 0, 1, 7070);
        const auto there = SurveyBuilder::at(10, 9, 0, 2, 40000);
        const auto index = machine.ip(SOCK_STREAM, here, there, SocketState::kEstablished);
        Socket& socket = machine.survey.sockets[index];
        const BootTime last(hours(1) + seconds(looks - 1));
        socket.send_queue = peer.waiting + (peer.waiting > 0 ? unsigned(look) * 20 : 0);
        socket.last_sent = last - peer.sent;
        // The clock of these times goes in steps of some ms.
        const std::chrono::milliseconds step(look % 2 * 4);
        if (peer.received) socket.last_received = last - *peer.received + step;
        machine.process(10, "pusher", 1, {"pusher"});
        machine.stands_for(4, Kind::kTcp, index);
        if (peer.unread) {
          const auto other = machine.ip(SOCK_STREAM, there, here, SocketState::kEstablished);
          machine.survey.sockets[other].receive_queue = *peer.unread;
          machine.survey.sockets[other].net_namespace = 2;
          machine.process(11, "listener", 1, {"listener"});
          machine.stands_for(4, Kind::kTcp, other);
        }
      },
      looks);
  return find(story.explain(), id::kConnectionToNowhere) != nullptr;
}

TEST(ConnectionToNowhere, WhoOnlyListensIsMissedByWhatItDoesNotAcknowledge) {
  EXPECT_TRUE(found({}));
  EXPECT_TRUE(found({.received = seconds(40)}));
}

TEST(ConnectionToNowhere, ADownloadThatIsSlowIsNone) {
  EXPECT_FALSE(found({.sent = seconds(0)})) << "bytes go out all the time";
  EXPECT_FALSE(found({.received = seconds(40), .sent = seconds(0)}));
}

TEST(ConnectionToNowhere, WhatIsAcknowledgedIsNone) {
  EXPECT_FALSE(found({.waiting = 0}));
  EXPECT_FALSE(found({.received = seconds(5)}));
}

TEST(ConnectionToNowhere, WhoHasRoomInAnotherNetworkOfThisMachineIsNotReached) {
  EXPECT_TRUE(found({.received = seconds(40), .unread = 0}));
  EXPECT_TRUE(found({.received = seconds(40), .unread = 32}));
  EXPECT_FALSE(found({.received = seconds(40), .unread = 65000})) << "it does not read";
}

TEST(ConnectionToNowhere, AShortLookProvesNothing) {
  EXPECT_FALSE(found({}, 12));
}

}  // namespace
}  // namespace plumb::detect
