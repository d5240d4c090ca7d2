// SPDX-License-Identifier: Apache-2.0
#include "plumb/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace plumb {
namespace {

TEST(UniqueFd, MovesLeaveOneOwner) {
  UniqueFd first = UniqueFd::open("/dev/null", O_RDONLY).value();
  const int number = first.get();
  UniqueFd second = std::move(first);
  EXPECT_EQ(first.get(), -1);
  EXPECT_EQ(second.get(), number);
  first = std::move(second);
  EXPECT_EQ(first.get(), number);
}

TEST(UniqueFd, FactoriesSetCloexec) {
  auto [reader, writer] = UniqueFd::pipe().value();
  for (const UniqueFd* fd : {&reader, &writer}) {
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_NE(::fcntl(UniqueFd::epoll().value().get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(UniqueFd, CloseReportsAndLeavesItEmpty) {
  UniqueFd stolen = UniqueFd::open("/dev/null", O_RDONLY).value();
  ::close(stolen.get());
  const auto closed = stolen.close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, EBADF);
  EXPECT_FALSE(stolen);
}

TEST(UniqueFdDeathTest, AStolenNumberAborts) {
  EXPECT_DEATH(
      {
        UniqueFd stolen = UniqueFd::open("/dev/null", O_RDONLY).value();
        ::close(stolen.get());
      },
      "");
}

TEST(UniqueFd, OpenNamesThePath) {
  const auto missing = UniqueFd::open("/nonexistent", O_RDONLY);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "open /nonexistent: No such file or directory");
}

}  // namespace
}  // namespace plumb
