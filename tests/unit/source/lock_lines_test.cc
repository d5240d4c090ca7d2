// SPDX-License-Identifier: Apache-2.0
#include "detect/source/lock_lines.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(LockLines, ALockAndWhoWaitsForIt) {
  const auto locks = wanted_locks(
      "1: POSIX  ADVISORY  WRITE 812 08:01:4711 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 900 00:1f:99 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 901 00:1f:99 0 EOF\n"
      "2: -> FLOCK  ADVISORY  READ  902 00:1f:99 0 EOF\n"
      "3: OFDLCK ADVISORY  READ  -1 fe:01:5 0 0\n"
      "3: -> OFDLCK ADVISORY  WRITE -1 fe:01:5 0 0\n");
  ASSERT_EQ(locks.size(), 2u);
  EXPECT_EQ(locks[0].sort, FileLock::Sort::kFlock);
  EXPECT_EQ(locks[0].taker, Pid{900});
  EXPECT_EQ(locks[0].device_minor, 0x1fu);
  EXPECT_EQ(locks[0].inode, 99u);
  EXPECT_EQ(locks[0].waiters, (std::vector{Pid{901}, Pid{902}}));
  EXPECT_EQ(locks[1].sort, FileLock::Sort::kOpenFile);
  EXPECT_EQ(locks[1].taker, std::nullopt);
  EXPECT_EQ(locks[1].waiters, std::vector{Pid{}});
}

TEST(LockLines, ALineThatIsNoneIsLeftOut) {
  EXPECT_FALSE(parse_lock_line(""));
  EXPECT_FALSE(parse_lock_line("1: LEASE  ACTIVE    READ  812 08:01:4711 0 EOF"));
  EXPECT_FALSE(parse_lock_line("1: FLOCK  ADVISORY  WRITE 812 08:01 0 EOF"));
  EXPECT_FALSE(parse_lock_line("x: FLOCK  ADVISORY  WRITE 812 08:01:1 0 EOF"));
  EXPECT_TRUE(wanted_locks("7: -> FLOCK ADVISORY WRITE 1 08:01:1 0 EOF\n").empty());
}

}  // namespace
}  // namespace plumb::detect
