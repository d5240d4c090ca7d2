// SPDX-License-Identifier: Apache-2.0
// The texts are fdinfo of Linux 6.18, cut to what matters, and broken on purpose.
#include "detect/source/fdinfo.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

template <typename T>
T decoded(Kind kind, std::string_view text) {
  const auto detail = decode_fdinfo(kind, text);
  EXPECT_TRUE(detail && std::holds_alternative<T>(*detail));
  return detail && std::holds_alternative<T>(*detail) ? std::get<T>(*detail) : T{};
}

TEST(Fdinfo, CommonLines) {
  const auto common = parse_fdinfo(
      "pos:\t4096\nflags:\t02100002\nmnt_id:\t24\nino:\t91\n"
      "lock:\t1: POSIX  ADVISORY  WRITE 12 fe:00:91 0 EOF\nlock:\t2: FLOCK  ADVISORY  WRITE 12\n");
  EXPECT_EQ(common.position, 4096u);
  EXPECT_EQ(common.flags, 02100002u);
  EXPECT_EQ(common.mount, 24u);
  EXPECT_EQ(common.inode, 91u);
  EXPECT_EQ(common.locks, 2u);
}

TEST(Fdinfo, OldKernelsSayLess) {
  const auto common = parse_fdinfo("pos:\t7\nflags:\t0100\n");
  EXPECT_EQ(common.position, 7u);
  EXPECT_EQ(common.flags, 0100u);
  EXPECT_FALSE(common.mount.has_value());
  EXPECT_FALSE(common.inode.has_value());
}

TEST(Fdinfo, EpollWatches) {
  const auto epoll = decoded<EpollDetail>(
      Kind::kEpoll,
      "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n"
      "tfd:        4 events:       1f data:                4  pos:0 ino:40e sdev:10\n"
      "tfd:      100 events: 80000019 data: ffffffffffffffff  pos:0 ino:5349 sdev:9\n");
  ASSERT_EQ(epoll.watches.size(), 2u);
  EXPECT_EQ(epoll.watches[0].fd, Fd(4));
  EXPECT_EQ(epoll.watches[0].events, 0x1fu);
  EXPECT_EQ(epoll.watches[0].inode, 0x40eu);
  EXPECT_EQ(epoll.watches[1].fd, Fd(100));
  EXPECT_EQ(epoll.watches[1].events, 0x80000019u);
  EXPECT_EQ(epoll.watches[1].data, UINT64_MAX);
}

TEST(Fdinfo, AnEpollThatWatchesNothingIsKnownToDoSo) {
  EXPECT_TRUE(decoded<EpollDetail>(Kind::kEpoll, "pos:\t0\nflags:\t02\n").watches.empty());
}

TEST(Fdinfo, BrokenEpollLinesAreLeftOut) {
  EXPECT_TRUE(decoded<EpollDetail>(Kind::kEpoll, "tfd:\ntfd: x\ntfd: 99999999999\ntfd\nevents: 1\n")
                  .watches.empty());
}

TEST(Fdinfo, Eventfd) {
  const auto event = decoded<EventfdDetail>(
      Kind::kEventfd, "eventfd-count:               1f\neventfd-id: 2\neventfd-semaphore: 0\n");
  EXPECT_EQ(event.count, 31u);
  EXPECT_EQ(event.id, 2u);
  EXPECT_FALSE(decode_fdinfo(Kind::kEventfd, "pos:\t0\n").has_value());
}

TEST(Fdinfo, Timerfd) {
  const auto timer = decoded<TimerfdDetail>(
      Kind::kTimerfd,
      "clockid: 7\nticks: 3\nsettime flags: 01\nit_value: (9, 999986313)\nit_interval: (10, 0)\n");
  EXPECT_EQ(timer.clock, 7);
  EXPECT_EQ(timer.expirations, 3u);
  EXPECT_EQ(timer.remaining, std::chrono::nanoseconds(9'999'986'313));
  EXPECT_EQ(timer.interval, std::chrono::seconds(10));
}

TEST(Fdinfo, ATimerBeyondTheEndOfTimeIsTheLongestDuration) {
  const auto timer = decoded<TimerfdDetail>(
      Kind::kTimerfd, "clockid: 0\nit_value: (9223372036854775807, 1)\nit_interval: (-1, 0)\n");
  EXPECT_EQ(timer.remaining, std::chrono::nanoseconds::max());
  EXPECT_EQ(timer.interval, std::chrono::nanoseconds::zero());
}

TEST(Fdinfo, Signalfd) {
  EXPECT_EQ(decoded<SignalfdDetail>(Kind::kSignalfd, "sigmask:\t0000000000004002\n").mask, 0x4002u);
}

TEST(Fdinfo, InotifyWatches) {
  const auto inotify = decoded<InotifyDetail>(
      Kind::kInotify,
      "inotify wd:a ino:3c51a sdev:fe00001 mask:2 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 "
      "f_handle:1ac5030000000000\ninotify ino:1\n");
  ASSERT_EQ(inotify.watches.size(), 1u);
  EXPECT_EQ(inotify.watches[0].watch, 10);
  EXPECT_EQ(inotify.watches[0].inode, 0x3c51au);
  EXPECT_EQ(inotify.watches[0].device_major, 0xfeu);
  EXPECT_EQ(inotify.watches[0].device_minor, 1u);
  EXPECT_EQ(inotify.watches[0].mask, 2u);
}

TEST(Fdinfo, FanotifyMarks) {
  const auto fanotify = decoded<FanotifyDetail>(
      Kind::kFanotify,
      "fanotify flags:10 event-flags:8000\nfanotify ino:3c51a sdev:fe00000 mflags:0 mask:2\n"
      "fanotify mnt_id:12 mflags:0 mask:3b\n");
  EXPECT_EQ(fanotify.flags, 0x10u);
  EXPECT_EQ(fanotify.event_flags, 0x8000u);
  EXPECT_EQ(fanotify.marks, 2u);
}

TEST(Fdinfo, Pidfd) {
  EXPECT_EQ(decoded<PidfdDetail>(Kind::kPidfd, "Pid:\t12220\nNSpid:\t12220\t3\n").pid, Pid(12220));
  EXPECT_FALSE(decoded<PidfdDetail>(Kind::kPidfd, "Pid:\t-1\nNSpid:\t-1\n").pid.has_value());
  EXPECT_FALSE(decoded<PidfdDetail>(Kind::kPidfd, "Pid:\t0\nNSpid:\t0\n").pid.has_value());
}

TEST(Fdinfo, Bpf) {
  const auto map = decoded<BpfDetail>(Kind::kBpf, "map_type:\t2\nmap_id:\t25\nfrozen:\t0\n");
  EXPECT_EQ(map.id, 25u);
  EXPECT_EQ(map.type, 2);
  const auto link =
      decoded<BpfDetail>(Kind::kBpf, "link_type:\ttracing\nlink_id:\t4\nprog_id:\t9\n");
  EXPECT_EQ(link.id, 4u);
  EXPECT_EQ(link.type, -1);
  EXPECT_EQ(decoded<BpfDetail>(Kind::kBpf, "prog_type:\t6\nprog_id:\t9\n").id, 9u);
}

TEST(Fdinfo, IoUringRingsRunRoundTheEndOfTheNumbers) {
  const auto ring = decoded<IoUringDetail>(
      Kind::kIoUring,
      "SqMask:\t0x3\nSqHead:\t4294967295\nSqTail:\t2\nCqHead:\t5\nCqTail:\t9\nUserFiles:\t3\n"
      "    0: /etc/hosts\nUserBufs:\t1\n");
  EXPECT_EQ(ring.submissions_pending, 3u);
  EXPECT_EQ(ring.completions_pending, 4u);
  EXPECT_EQ(ring.registered_files, 3u);
  EXPECT_EQ(ring.registered_buffers, 1u);
}

TEST(Fdinfo, PtyAndDmabuf) {
  EXPECT_EQ(decoded<PtyDetail>(Kind::kPty, "tty-index:\t12\n").index, 12u);
  EXPECT_FALSE(decode_fdinfo(Kind::kPty, "pos:\t0\n").has_value());
  EXPECT_EQ(decoded<DmabufDetail>(Kind::kDmabuf, "size:\t4096\ncount:\t2\n").bytes, 4096u);
}

TEST(Fdinfo, KindsWithoutDetailHaveNone) {
  EXPECT_FALSE(has_fdinfo_detail(Kind::kFile));
  EXPECT_FALSE(decode_fdinfo(Kind::kFile, "eventfd-count: 1\n").has_value());
}

}  // namespace
}  // namespace plumb::detect
