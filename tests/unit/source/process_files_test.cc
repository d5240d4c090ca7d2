// SPDX-License-Identifier: Apache-2.0
// The small files of /proc/PID, as they are and as a hostile process can make them.
#include "detect/source/process_files.h"

#include <gtest/gtest.h>

#include <string>

namespace plumb::detect {
namespace {

constexpr std::string_view kTail =
    " 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 4711 12345344 700 18446744073709551615 0\n";

TEST(Stat, Fields) {
  const std::string text = "812 (nginx) S" + std::string(kTail);
  const auto stat = parse_stat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->pid, Pid(812));
  EXPECT_EQ(stat->name, "nginx");
  EXPECT_EQ(stat->state, RunState('S'));
  EXPECT_EQ(stat->parent, Pid(1));
  EXPECT_EQ(stat->start, Ticks(4711));
  EXPECT_EQ(stat->threads, 3u);
  EXPECT_EQ(stat->virtual_bytes, 12345344u);
}

TEST(Stat, ANameCannotForgeFields) {
  const std::string text = "812 (x) Z 99 (\n) S" + std::string(kTail);
  const auto stat = parse_stat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->name, "x) Z 99 (\n");
  EXPECT_EQ(stat->state, RunState('S'));
  EXPECT_EQ(stat->parent, Pid(1));
}

TEST(Stat, BrokenTextIsNoProcess) {
  for (const char* text :
       {"", "812", "812 (x", "812 )x( S 1", "x (y) S 1", "812 (x) S", "812 (x)"}) {
    EXPECT_FALSE(parse_stat(text).has_value()) << text;
  }
}

TEST(Status, Fields) {
  const auto status = parse_status(
      "Name:\tnginx\nUid:\t33\t1000\t33\t33\nNSpid:\t812\t7\t1\nVmSize:\t   12056 kB\n"
      "VmRSS:\t    700 kB\nThreads:\t4\n");
  EXPECT_EQ(status.uid, Uid(1000));
  EXPECT_EQ(status.own_pid, Pid(1));
  EXPECT_EQ(status.virtual_bytes, 12056u * 1024);
  EXPECT_EQ(status.resident_bytes, 700u * 1024);
  EXPECT_EQ(status.threads, 4u);
}

TEST(Status, WhatIsMissingIsUnknown) {
  const auto status = parse_status("Name:\tkthreadd\nVmRSS:\t99999999999999999999 kB\n");
  EXPECT_FALSE(status.uid.has_value());
  EXPECT_FALSE(status.own_pid.has_value());
  EXPECT_FALSE(status.resident_bytes.has_value());
}

TEST(Cgroup, UnifiedPathWins) {
  EXPECT_EQ(parse_cgroup("0::/system.slice/nginx.service\n"), "/system.slice/nginx.service");
  EXPECT_EQ(parse_cgroup("9:name=systemd:/a.service\n0::/b.service\n"), "/b.service");
}

TEST(Cgroup, SystemdsHierarchyWhereTheUnifiedOneSaysNothing) {
  EXPECT_EQ(parse_cgroup("9:name=systemd:/a:b.service\n1:cpu:/x\n0::/\n"), "/a:b.service");
  EXPECT_EQ(parse_cgroup("9:name=systemd:/\n0::/\n"), "/");
  EXPECT_EQ(parse_cgroup(""), "");
}

TEST(Limits, OpenFiles) {
  const auto limits = parse_limits(
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            1024                 20000                files     \n");
  EXPECT_EQ(limits.soft, 1024u);
  EXPECT_EQ(limits.hard, 20000u);
}

TEST(Limits, UnlimitedIsNoNumber) {
  const auto limits = parse_limits("Max open files            1024       unlimited      files\n");
  EXPECT_EQ(limits.soft, 1024u);
  EXPECT_FALSE(limits.hard.has_value());
  EXPECT_FALSE(parse_limits("nothing").soft.has_value());
}

TEST(Syscall, ArgumentsOfASleeper) {
  const auto call = parse_syscall("0 0x3 0x7f75 0x20000 0x0 0xffffffff 0x1 0x7fff 0x7f75\n");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->number, 0);
  EXPECT_EQ(call->args[0], 3u);
  EXPECT_EQ(call->args[4], 0xffffffffu);
}

TEST(Syscall, RunnersAndOthersHaveNone) {
  EXPECT_FALSE(parse_syscall("running\n").has_value());
  EXPECT_FALSE(parse_syscall("-1 0x7fff 0x7f75\n").has_value());
  EXPECT_FALSE(parse_syscall("0 0x3\n").has_value());
  EXPECT_FALSE(parse_syscall("").has_value());
}

TEST(Links, NumbersInBrackets) {
  EXPECT_EQ(parse_namespace_link("net:[4026531833]"), 4026531833u);
  EXPECT_FALSE(parse_namespace_link("net:[99999999999]").has_value());
  EXPECT_FALSE(parse_namespace_link("net").has_value());
  EXPECT_EQ(parse_bracketed_inode("socket:[21239]", "socket"), 21239u);
  EXPECT_FALSE(parse_bracketed_inode("/tmp/socket:[1]", "socket").has_value());
  EXPECT_FALSE(parse_bracketed_inode("socket:[]", "socket").has_value());
  EXPECT_FALSE(parse_bracketed_inode("socket:[", "socket").has_value());
}

}  // namespace
}  // namespace plumb::detect
