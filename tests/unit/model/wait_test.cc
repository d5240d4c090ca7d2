// SPDX-License-Identifier: Apache-2.0
#include "detect/model/wait.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace plumb::detect {
namespace {

TEST(Wait, NamesTheCallAndTheDescriptorInItsArgument) {
  const Wait wait = wait_of({SYS_read, {7, 0xdeadbeef, 4096}});
  EXPECT_EQ(wait.call, "read");
  EXPECT_EQ(wait.fd, Fd{7});
  EXPECT_FALSE(wait.many);
}

TEST(Wait, OfSeveralSaysSo) {
  EXPECT_TRUE(wait_of({SYS_poll, {0x7ffc00, 2, 5000}}).many);
  EXPECT_EQ(wait_of({SYS_poll, {3}}).fd, std::nullopt) << "poll's first argument is an address";
  const Wait epoll = wait_of({SYS_epoll_wait, {4}});
  EXPECT_TRUE(epoll.many);
  EXPECT_EQ(epoll.fd, Fd{4});
}

TEST(Wait, TakesNoDescriptorFromANegativeNumber) {
  EXPECT_EQ(wait_of({SYS_read, {0xffffffff}}).fd, std::nullopt);
}

TEST(Wait, ForAPidfdHasItInTheSecondArgument) {
  EXPECT_EQ(wait_of({SYS_waitid, {3, 9}}).fd, Fd{9});
  EXPECT_EQ(wait_of({SYS_waitid, {1, 4312}}).fd, std::nullopt);
}

TEST(Wait, InACallThatIsNotKnownHasNoName) {
  EXPECT_EQ(wait_of({99999, {}}).call, "");
}

// The table against the system's own numbers, one for each block of them.
TEST(Wait, KnowsTheKernelsNumbers) {
  EXPECT_EQ(wait_of({SYS_accept4, {3}}).call, "accept4");
  EXPECT_EQ(wait_of({SYS_futex, {}}).call, "futex");
  EXPECT_EQ(wait_of({SYS_recvmmsg, {3}}).call, "recvmmsg");
  EXPECT_EQ(wait_of({SYS_wait4, {}}).call, "wait4");
  EXPECT_EQ(wait_of({SYS_clock_nanosleep, {}}).call, "clock_nanosleep");
  EXPECT_EQ(wait_of({SYS_ppoll, {}}).call, "ppoll");
  EXPECT_EQ(wait_of({SYS_mq_timedreceive, {5}}).fd, Fd{5});
  EXPECT_EQ(wait_of({SYS_io_uring_enter, {6}}).fd, Fd{6});
}

}  // namespace
}  // namespace plumb::detect
