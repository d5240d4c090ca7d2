// SPDX-License-Identifier: Apache-2.0
// What a loop serves stands on its shelf with the line of its user, and nothing stays there.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <map>
#include <thread>

#include "loop_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using HoldingsTest = LoopTest;

std::map<std::string, std::size_t> kinds(const Holdings& shelf) {
  std::map<std::string, std::size_t> result;
  for (const auto& row : shelf.rows()) ++result[row.kind];
  return result;
}

const std::map<std::string, std::size_t> kIdle = {{"epoll", 1}, {"eventfd", 1}};

TEST_F(HoldingsTest, AgreesWithTheCensus) {
  EXPECT_EQ(kinds(loop().holdings()), kIdle);
  loop().run([](Loop& on) -> Task<> {
    auto ends = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
    Descriptor one(on, DescriptorKind::kUnix), two(on, DescriptorKind::kUnix);
    EXPECT_TRUE(one.attach(std::move(ends->first)).ok());
    EXPECT_TRUE(two.attach(std::move(ends->second)).ok());
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      for (int i = 0; i < 3; ++i) scope.start([]() -> Task<> { co_await sleep(1h); }());
      const auto bound = co_await deadline(1h);
      EXPECT_EQ(on.census(), (Census{.descriptors = 2, .tasks = 4, .timers = 4}));
      auto expected = kIdle;
      expected.insert({{"unix", 2}, {"task", 4}, {"timer", 4}});
      EXPECT_EQ(kinds(on.holdings()), expected);
      one.close();
      EXPECT_EQ(kinds(on.holdings())["unix"], 1U);
    });
    EXPECT_EQ(kinds(on.holdings())["task"], 1U);
    EXPECT_EQ(kinds(on.holdings())["timer"], 0U);
  }(loop()));
  EXPECT_EQ(kinds(loop().holdings()), kIdle);
}

TEST_F(HoldingsTest, NamesTheUsersLine) {
  std::map<std::string, unsigned> lines;
  std::map<std::string, std::string> files;
  unsigned slept = 0, started = 0, opened = 0;
  std::uint64_t number = 0;
  loop().run([&](Loop& on) -> Task<> {
    auto fd = UniqueFd::event(0, EFD_NONBLOCK);
    number = static_cast<std::uint64_t>(fd->get());
    opened = __LINE__ + 1;
    Descriptor descriptor(on, DescriptorKind::kOther);
    EXPECT_TRUE(descriptor.attach(*std::move(fd)).ok());
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      const auto sleeper = [&]() -> Task<> {
        slept = __LINE__ + 1;
        co_await sleep(1h);
      };
      started = __LINE__ + 1;
      scope.start(sleeper);
      for (const auto& row : on.holdings().rows()) {
        lines[row.kind] = row.site.line();
        files[row.kind] = short_file(row.site.file_name());
        if (row.kind == "descriptor") {
          EXPECT_EQ(row.identity, number);
        }
      }
      co_return;
    });
  }(loop()));
  EXPECT_EQ(lines["timer"], slept);
  EXPECT_EQ(lines["task"], started);
  EXPECT_EQ(lines["descriptor"], opened);
  for (const char* kind : {"timer", "task", "descriptor"}) {
    EXPECT_EQ(files[kind], "loop/holdings_test.cc") << kind;
  }
}

TEST_F(HoldingsTest, CanBeReadFromOutsideWhileTheLoopHangs) {
  std::atomic<bool> hangs = false, seen = false;
  Holdings& shelf = loop().holdings();
  std::thread watcher([&] {
    while (!hangs) std::this_thread::yield();
    EXPECT_EQ(kinds(shelf)["task"], 1U);
    seen = true;
  });
  loop().run([&]() -> Task<> {
    hangs = true;
    while (!seen) std::this_thread::yield();  // blocks the loop
    co_return;
  }());
  watcher.join();
}

TEST(HoldingsDeathTest, ALoopThatEndsBeforeWhatItServesSaysWhichLine) {
  EXPECT_DEATH(
      {
        auto loop = Loop::create({.name = "loop 7"});
        auto fd = UniqueFd::event(0, EFD_NONBLOCK);
        Descriptor descriptor(**loop, DescriptorKind::kTcp);
        if (descriptor.attach(*std::move(fd)).ok()) loop->reset();
      },
      "loop 7 ended before what it holds:\n *tcp [0-9]*, .*loop/holdings_test.cc:");
}

}  // namespace
}  // namespace plumb::runtime
