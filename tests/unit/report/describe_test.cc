// SPDX-License-Identifier: Apache-2.0
#include "detect/report/describe.h"

#include <gtest/gtest.h>
#include <time.h>

#include <cerrno>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

class Describing : public testing::Test {
 protected:
  Describing() { b.process(10, "p"); }
  std::string name(std::uint32_t row = 0) {
    std::string text;
    append_name(text, Joined(b.survey), DescriptorIndex{row});
    return text;
  }
  std::string end(std::uint32_t row = 0) {
    std::string text;
    append_other_end(text, Joined(b.survey), DescriptorIndex{row});
    return text;
  }
  std::string shared(std::uint32_t row = 0) {
    std::string text;
    append_shared(text, Joined(b.survey), DescriptorIndex{row});
    return text;
  }
  SurveyBuilder b;
};

TEST_F(Describing, ADeletedFileSaysWhatItHolds) {
  b.file(3, "/tmp/x", 4u << 20).unlinked = true;
  EXPECT_EQ(name(), "/tmp/x (deleted, 4MiB)");
}

TEST_F(Describing, AListenerSaysHowFullItsQueueIs) {
  const auto s = b.ip(SOCK_STREAM, SurveyBuilder::at(0, 0, 0, 0, 80), {}, SocketState::kListen);
  b.survey.sockets[s].accept_queue = 3;
  b.survey.sockets[s].backlog = 511;
  b.stands_for(3, Kind::kTcp, s);
  EXPECT_EQ(name(), "*:80 listen · queue 3 of 511");
}

TEST_F(Describing, AConnectionSaysStateQueuesAndQuiet) {
  const auto s = b.ip(SOCK_STREAM, SurveyBuilder::local(80), SurveyBuilder::local(4000),
                      SocketState::kCloseWait);
  b.survey.sockets[s].receive_queue = 12 * 1024;
  b.survey.sockets[s].last_received = b.survey.taken - 40min;
  b.stands_for(3, Kind::kTcp, s);
  EXPECT_EQ(name(), "127.0.0.1:80 ↔ :4000 close-wait · 12KiB unread · quiet 40m");
  EXPECT_EQ(end(), "→ nobody");
}

TEST_F(Describing, AddressesThatAreNumbers) {
  const auto netlink = b.ip(SOCK_RAW, endpoint_of({0, 1213}), {}, SocketState::kClose);
  b.survey.sockets[netlink].family = AF_NETLINK;
  b.survey.sockets[netlink].protocol = 0;
  b.stands_for(3, Kind::kNetlink, netlink);
  const auto vsock = b.ip(SOCK_STREAM, endpoint_of({2, 1024}), endpoint_of({3, 70'000}),
                          SocketState::kEstablished);
  b.survey.sockets[vsock].family = AF_VSOCK;
  b.stands_for(4, Kind::kVsock, vsock);
  const auto any = b.ip(SOCK_STREAM, endpoint_of({0xffffffff, 52}), {}, SocketState::kListen);
  b.survey.sockets[any].family = AF_VSOCK;
  b.stands_for(5, Kind::kVsock, any);
  EXPECT_EQ(name(0), "route port 1213");
  EXPECT_EQ(name(1), "stream 2:1024 ↔ 3:70000");
  EXPECT_EQ(name(2), "stream *:52 listen");
}

TEST_F(Describing, Ipv6StandsInBrackets) {
  Socket& s = b.socket(AF_INET6, SOCK_DGRAM);
  s.local = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 53};
  b.stands_for(3, Kind::kUdp, 0);
  EXPECT_EQ(name(), "[::1]:53");
}

TEST_F(Describing, AUnixClientNamesItsServersPath) {
  const auto pair = b.socket_pair();
  b.survey.sockets[pair + 1].path = b.survey.texts.add(std::string_view("\0x11\n", 5));
  b.stands_for(3, Kind::kUnix, pair);
  b.stands_for(4, Kind::kUnix, pair + 1);
  EXPECT_EQ(name(0), "stream ↔ @x11\\n");
  EXPECT_EQ(name(1), "stream @x11\\n");
  EXPECT_EQ(end(0), "→ p(10) fd 4");
}

TEST_F(Describing, WhatAKindAdds) {
  b.detailed(0, Kind::kEpoll, EpollDetail{{{Fd{4}, 1, 0, 0}, {Fd{9}, 1, 0, 0}}});
  b.detailed(1, Kind::kTimerfd, TimerfdDetail{CLOCK_MONOTONIC, 0, 3200ms, 10s});
  b.detailed(2, Kind::kTimerfd, TimerfdDetail{CLOCK_REALTIME, 0, 0s, 0s});
  b.detailed(3, Kind::kSignalfd, SignalfdDetail{1u << 1 | 1u << 14});
  b.detailed(4, Kind::kInotify, InotifyDetail{{{1, 12, 8, 1, 2}}});
  b.detailed(5, Kind::kPidfd, PidfdDetail{Pid{10}});
  b.detailed(6, Kind::kPidfd, PidfdDetail{});
  b.detailed(7, Kind::kPty, PtyDetail{3, true}).name = b.survey.texts.add("/dev/ptmx");
  b.detailed(8, Kind::kBpf, BpfDetail{12, -1}).name = b.survey.texts.add("[bpf-link]");
  EXPECT_EQ(name(0), "watches 2: 4 9");
  EXPECT_EQ(name(1), "monotonic, in 3.2s, every 10s");
  EXPECT_EQ(name(2), "realtime, disarmed");
  EXPECT_EQ(name(3), "INT TERM");
  EXPECT_EQ(name(4), "1 watch: inode 12 of 8:1");
  EXPECT_EQ(name(5), "process p(10)");
  EXPECT_EQ(name(6), "its process is gone");
  EXPECT_EQ(name(7), "/dev/ptmx · master of /dev/pts/3");
  EXPECT_EQ(name(8), "id 12");
}

TEST_F(Describing, WhatCouldNotBeReadSaysWhy) {
  b.row(3, Kind::kUnreadable).error = EACCES;
  EXPECT_EQ(name(), "Permission denied");
}

TEST_F(Describing, SharingNamesOtherProcessesFirst) {
  b.row(3, Kind::kFile, 7);
  b.row(4, Kind::kFile, 7);
  b.row(5, Kind::kFile, 8);
  b.row(6, Kind::kFile, 8);
  b.process(11, "child");
  b.row(3, Kind::kFile, 7);
  EXPECT_EQ(shared(0), "= child(11) fd 3, 1 more");
  EXPECT_EQ(shared(2), "= fd 6");
  EXPECT_EQ(shared(4), "= p(10) fd 3, 1 more");
}

TEST_F(Describing, TheAccessIsALetter) {
  EXPECT_EQ(access_letter(b.pipe(0, 1, O_RDONLY)), 'r');
  EXPECT_EQ(access_letter(b.pipe(1, 1, O_WRONLY)), 'w');
  EXPECT_EQ(access_letter(b.pipe(2, 1, O_RDWR)), 'u');
  EXPECT_EQ(access_letter(b.pipe(3, 1, O_PATH)), 'p');
}

TEST(SocketStates, AreNamedAndFoundByName) {
  EXPECT_EQ(name_of(SocketState::kCloseWait), "close-wait");
  EXPECT_EQ(name_of(SocketState::kUnknown), "");
  EXPECT_EQ(name_of(static_cast<SocketState>(99)), "");
}

}  // namespace
}  // namespace plumb::detect
