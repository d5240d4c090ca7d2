// SPDX-License-Identifier: Apache-2.0
// Epolls that watch what their process has closed.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kEpoll = 0xffff888000001000;
constexpr std::uint64_t kClosed = 777;  // inode of what only the helper has open yet

EpollDetail watching() {
  EpollDetail detail;
  for (int watch = 0; watch < 3; ++watch) detail.watches.push_back({Fd{4}, EPOLLIN, 4, kClosed});
  return detail;
}

// A server and a helper that was forked from `parent`, with one epoll in both tables; the server
// waits in `call` for fd `argument`.
bool found(int parent, int call, std::uint64_t argument) {
  const Story story([&](SurveyBuilder& machine, int) {
    machine.process(10, "server", 1, {"server"});
    machine.thread(call, argument);
    machine.detailed(3, Kind::kEpoll, watching()).file = FileId{kEpoll};
    machine.process(11, "server", parent, {"server"});
    machine.thread(SYS_nanosleep);
    machine.detailed(3, Kind::kEpoll, watching()).file = FileId{kEpoll};
    machine.row(4, Kind::kUnix).inode = kClosed;
  });
  const Explanation explanation = story.explain();
  const Finding* finding = find(explanation, id::kStaleWatch);
  return finding != nullptr && finding->subject.process.pid == Pid{10} &&
         finding->severity == Severity::kWarning;
}

TEST(StaleWatch, AForkThatKeepsTheConnectionKeepsTheWatch) {
  EXPECT_TRUE(found(10, SYS_epoll_wait, 3));
}

TEST(StaleWatch, AnEpollThatAnotherHasFilledIsNone) {
  EXPECT_FALSE(found(1, SYS_epoll_wait, 3)) << "no fork of the server's";
  EXPECT_FALSE(found(10, SYS_epoll_wait, 5)) << "the server waits for another one";
  EXPECT_FALSE(found(10, SYS_wait4, 0)) << "a master whose workers wait";
}

}  // namespace
}  // namespace plumb::detect
