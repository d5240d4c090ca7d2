// SPDX-License-Identifier: Apache-2.0
#include "detect/model/ends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Build = SurveyBuilder;

constexpr DescriptorIndex row(std::uint32_t index) {
  return DescriptorIndex{index};
}

TEST(Ends, OfASocketPairAreEachOther) {
  Build b;
  const auto pair = b.socket_pair();
  b.process(10, "nvim");
  b.stands_for(17, Kind::kUnix, pair);
  b.process(11, "curl");
  b.stands_for(0, Kind::kUnix, pair + 1);
  const Ends ends(b.survey);
  EXPECT_EQ(ends.of(row(0)).state, EndState::kHeld);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(1)));
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
}

TEST(Ends, NameEveryHolderOfTheOtherEnd) {
  Build b;
  const auto pair = b.socket_pair();
  b.process(10, "parent");
  b.stands_for(3, Kind::kUnix, pair);
  b.process(11, "child");
  b.stands_for(0, Kind::kUnix, pair + 1);
  b.stands_for(1, Kind::kUnix, pair + 1);
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(1), row(2)));
}

TEST(Ends, ThatNobodyHoldsAreNobodysOnlyWhenEverybodyWasSeen) {
  Build b;
  const auto pair = b.socket_pair();
  b.process(10, "server");
  b.stands_for(3, Kind::kUnix, pair);
  EXPECT_EQ(Ends(b.survey).of(row(0)).state, EndState::kNobody);
  b.process(11, "secret").error = EACCES;
  EXPECT_EQ(Ends(b.survey).of(row(0)).state, EndState::kUnseen);
}

TEST(Ends, OfAUnixClientInTheQueueAreTheListenersHolders) {
  Build b;
  Socket& listener = b.socket(AF_UNIX, SOCK_STREAM);
  listener.state = SocketState::kListen;
  const SocketId queue = listener.id;
  Socket& client = b.socket(AF_UNIX, SOCK_STREAM);
  client.state = SocketState::kEstablished;
  client.peer_in_queue = true;
  client.listener = queue;
  b.process(10, "server");
  b.stands_for(3, Kind::kUnix, 0);
  b.process(11, "client");
  b.stands_for(5, Kind::kUnix, 1);
  const Ends ends(b.survey);
  EXPECT_EQ(ends.of(row(1)).state, EndState::kAcceptQueue);
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
  EXPECT_EQ(ends.of(row(0)).state, EndState::kNone);
}

TEST(Ends, OfAPipeAreInTheOppositeDirection) {
  Build b;
  b.process(10, "cat");
  b.pipe(1, 77, O_WRONLY);
  b.pipe(4, 77, O_WRONLY);
  b.process(11, "wc");
  b.pipe(0, 77, O_RDONLY);
  b.pipe(3, 78, O_RDONLY);
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(2)));
  EXPECT_THAT(ends.of(row(2)).holders, ElementsAre(row(0), row(1)));
  EXPECT_EQ(ends.of(row(3)).state, EndState::kNobody);
}

TEST(Ends, OfAFifoOpenForBothIsItselfToo) {
  Build b;
  b.process(10, "daemon");
  b.pipe(3, 500, O_RDWR, Kind::kFifo);
  b.process(11, "sh");
  b.pipe(1, 500, O_WRONLY, Kind::kFifo);
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(0), row(1)));
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
}

TEST(Ends, OfPseudoTerminalsGoByMountAndIndex) {
  Build b;
  b.process(10, "tmux");
  b.detailed(8, Kind::kPty, PtyDetail{3, true}).device_minor = 6;  // the node in devtmpfs
  b.process(11, "bash");
  b.detailed(0, Kind::kPty, PtyDetail{3, false}).device_minor = 24;
  b.process(12, "runc");
  b.detailed(5, Kind::kPty, PtyDetail{3, true}).device_minor = 60;  // ptmx of another mount
  b.process(13, "sh");
  b.detailed(0, Kind::kPty, PtyDetail{3, false}).device_minor = 60;
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(1)));
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
  EXPECT_THAT(ends.of(row(2)).holders, ElementsAre(row(3)));
  EXPECT_THAT(ends.of(row(3)).holders, ElementsAre(row(2)));
}

class TcpEnds : public testing::Test {
 protected:
  // A process with one descriptor for a new socket.
  std::uint32_t hold(int pid, IpEndpoint local, IpEndpoint remote,
                     SocketState state = SocketState::kEstablished) {
    const auto socket = b.ip(SOCK_STREAM, local, remote, state);
    b.process(pid, "p");
    b.stands_for(3, Kind::kTcp, socket);
    return socket;
  }
  Build b;
};

TEST_F(TcpEnds, HaveTheAddressesTheOtherWayRound) {
  hold(10, Build::local(8118), Build::local(40000));
  hold(11, Build::local(40000), Build::local(8118));
  hold(12, Build::local(40001), Build::local(8118));
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(1)));
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
  EXPECT_EQ(ends.of(row(2)).state, EndState::kNobody);
}

TEST_F(TcpEnds, OfIpv4AndMappedIpv6Meet) {
  hold(10, Build::local(40000), Build::local(80));
  const auto server = hold(11, {}, {});
  Socket& s = b.survey.sockets[server];
  s.family = AF_INET6;
  s.ipv6 = true;
  s.local = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 80};
  s.remote = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 40000};
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(0)).holders, ElementsAre(row(1)));
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
}

TEST_F(TcpEnds, OnLoopbackStayInTheirNamespace) {
  hold(10, Build::local(40000), Build::local(80));
  b.survey.sockets[hold(11, Build::local(80), Build::local(40000))].net_namespace = 7;
  EXPECT_EQ(Ends(b.survey).of(row(0)).state, EndState::kNobody);
}

TEST_F(TcpEnds, OfAVethPairMeetAcrossNamespaces) {
  hold(10, Build::at(172, 17, 0, 1, 40000), Build::at(172, 17, 0, 2, 80));
  b.survey.sockets[hold(11, Build::at(172, 17, 0, 2, 80), Build::at(172, 17, 0, 1, 40000))]
      .net_namespace = 7;
  EXPECT_THAT(Ends(b.survey).of(row(0)).holders, ElementsAre(row(1)));
}

TEST_F(TcpEnds, OfAForeignAddressAreOutside) {
  hold(10, Build::at(10, 0, 0, 5, 40000), Build::at(93, 184, 216, 34, 443));
  hold(11, Build::at(10, 0, 0, 5, 40001), Build::at(10, 0, 0, 5, 9999));
  const Ends ends(b.survey);
  EXPECT_EQ(ends.of(row(0)).state, EndState::kOutside);
  EXPECT_EQ(ends.of(row(1)).state, EndState::kNobody) << "its own address is on this machine";
}

TEST_F(TcpEnds, WaitInTheQueueOfTheListenerThatHasOne) {
  b.survey.sockets[hold(10, Build::at(0, 0, 0, 0, 3000), {}, SocketState::kListen)].accept_queue =
      2;
  hold(11, Build::local(40000), Build::local(3000));  // its peer is not in the survey
  hold(12, Build::local(40001), Build::local(3000));
  b.ip(SOCK_STREAM, Build::local(3000), Build::local(40001), SocketState::kEstablished);
  const Ends ends(b.survey);
  EXPECT_EQ(ends.of(row(0)).state, EndState::kNone);
  for (const std::uint32_t client : {1u, 2u}) {
    EXPECT_EQ(ends.of(row(client)).state, EndState::kAcceptQueue);
    EXPECT_THAT(ends.of(row(client)).holders, ElementsAre(row(0)));
  }
}

TEST_F(TcpEnds, OfAnOrphanAreNobodysEvenWhenTheListenerHasAQueue) {
  b.survey.sockets[hold(10, Build::at(0, 0, 0, 0, 3000), {}, SocketState::kListen)].accept_queue =
      2;
  hold(11, Build::local(40000), Build::local(3000), SocketState::kCloseWait);
  b.ip(SOCK_STREAM, Build::local(3000), Build::local(40000), SocketState::kFinWait2);
  EXPECT_EQ(Ends(b.survey).of(row(1)).state, EndState::kNobody);
}

TEST(Ends, OfAConnectedUdpSocketAreTheBoundReceiver) {
  Build b;
  const auto server = b.ip(SOCK_DGRAM, Build::at(0, 0, 0, 0, 53), {}, SocketState::kClose);
  const auto client =
      b.ip(SOCK_DGRAM, Build::local(40000), Build::local(53), SocketState::kEstablished);
  b.process(10, "resolver");
  b.stands_for(3, Kind::kUdp, server);
  b.process(11, "dig");
  b.stands_for(3, Kind::kUdp, client);
  const Ends ends(b.survey);
  EXPECT_THAT(ends.of(row(1)).holders, ElementsAre(row(0)));
  EXPECT_EQ(ends.of(row(0)).state, EndState::kNone);
}

TEST(Ends, OfAFileAreNone) {
  Build b;
  b.process(10, "cat");
  b.file(3, "/etc/hosts");
  EXPECT_EQ(Ends(b.survey).of(row(0)).state, EndState::kNone);
  EXPECT_THAT(Ends(b.survey).of(row(0)).holders, IsEmpty());
}

}  // namespace
}  // namespace plumb::detect
