// SPDX-License-Identifier: Apache-2.0
#include "detect/source/wait_memory.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstring>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

// The memory of a process: what was put there, and nothing else.
class Memory {
 public:
  template <typename Value>
  std::uint64_t put(const Value& value) {
    const std::uint64_t at = kBase + bytes_.size();
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof value);
    return at;
  }
  ReadMemory reader() {
    return [this](std::uint64_t address, std::span<std::byte> into) {
      if (address < kBase || address - kBase > bytes_.size() ||
          bytes_.size() - (address - kBase) < into.size()) {
        return false;
      }
      std::memcpy(into.data(), bytes_.data() + (address - kBase), into.size());
      return true;
    };
  }

 private:
  static constexpr std::uint64_t kBase = 0x7fff0000;
  std::vector<std::byte> bytes_;
};

constexpr WaitClocks kClocks{.realtime = 1000s, .monotonic = 50s, .boot = 60s};

class WaitMemory : public testing::Test {
 protected:
  ThreadWait read(std::int32_t number, std::array<std::uint64_t, 6> args) {
    ThreadWait wait;
    read_wait_memory({number, args}, kClocks, memory.reader(), wait);
    return wait;
  }
  Memory memory;
};

TEST_F(WaitMemory, APollListWithoutItsNegativeEntries) {
  const std::array<pollfd, 3> list = {{{4, POLLIN, 0}, {-1, POLLIN, 0}, {9, POLLOUT, 0}}};
  const auto wait = read(SYS_poll, {memory.put(list), 3, 1500});
  EXPECT_TRUE(wait.listed);
  ASSERT_EQ(wait.polled.size(), 2u);
  EXPECT_EQ(wait.polled[1].fd, Fd{9});
  EXPECT_EQ(wait.polled[1].events, POLLOUT);
  EXPECT_EQ(wait.timeout, 1500ms);
}

TEST_F(WaitMemory, AListThatCannotBeReadIsUnknown) {
  const auto wait = read(SYS_poll, {0xdead0000, 3, 0xffffffff});
  EXPECT_FALSE(wait.listed);
  EXPECT_EQ(wait.timeout, std::nullopt);
}

TEST_F(WaitMemory, AListOfFourBillionIsCut) {
  const std::vector<pollfd> list(kMostPolled, pollfd{3, POLLIN, 0});
  std::uint64_t at = 0;
  for (const pollfd& entry : list) {
    const auto here = memory.put(entry);
    if (at == 0) at = here;
  }
  const auto wait = read(SYS_ppoll, {at, 0xffffffffffffffff, 0});
  EXPECT_EQ(wait.polled.size(), kMostPolled);
  EXPECT_EQ(wait.polled_cut, 0xffffffffu);
}

TEST_F(WaitMemory, TheSetsOfASelect) {
  fd_set reads, writes;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  FD_SET(3, &reads);
  FD_SET(70, &reads);
  FD_SET(70, &writes);
  FD_SET(99, &writes);  // beyond the count
  const timespec limit{2, 500};
  const auto wait =
      read(SYS_pselect6, {90, memory.put(reads), memory.put(writes), 0, memory.put(limit)});
  EXPECT_TRUE(wait.listed);
  ASSERT_EQ(wait.polled.size(), 2u);
  EXPECT_EQ(wait.polled[0].fd, Fd{3});
  EXPECT_EQ(wait.polled[1].events, POLLIN | POLLOUT);
  EXPECT_EQ(wait.timeout, 2s + 500ns);
}

TEST_F(WaitMemory, ASelectWithANegativeCountIsNoList) {
  EXPECT_FALSE(read(SYS_select, {0xffffffff, 0, 0, 0, 0}).listed);
}

TEST_F(WaitMemory, SleepsByLengthAndByClock) {
  const timespec length{300, 0}, until{1090, 0}, soon{55, 0};
  EXPECT_EQ(read(SYS_clock_nanosleep, {CLOCK_REALTIME, 0, memory.put(length)}).timeout, 300s);
  EXPECT_EQ(read(SYS_clock_nanosleep, {CLOCK_REALTIME, TIMER_ABSTIME, memory.put(until)}).remaining,
            90s);
  EXPECT_EQ(read(SYS_clock_nanosleep, {CLOCK_MONOTONIC, TIMER_ABSTIME, memory.put(soon)}).remaining,
            5s);
  const timespec broken{-1, 0};
  EXPECT_EQ(read(SYS_nanosleep, {memory.put(broken)}).timeout, std::nullopt);
}

TEST_F(WaitMemory, TheWordOfAFutexAndWhoOwnsIt) {
  const std::array<std::uint32_t, 4> mutex = {2, 1, 812, 1};
  const auto wait = read(SYS_futex, {memory.put(mutex), 128 /* private wait */, 2});
  ASSERT_TRUE(wait.futex);
  EXPECT_EQ(wait.futex->value, 2u);
  EXPECT_EQ(wait.futex->third, 812u);
  EXPECT_FALSE(read(SYS_futex, {memory.put(mutex), 1 /* wake */, 2}).futex);
}

}  // namespace
}  // namespace plumb::detect
