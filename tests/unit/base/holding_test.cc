// SPDX-License-Identifier: Apache-2.0
#include "plumb/base/holding.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <set>
#include <thread>

namespace plumb {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint64_t> identities(const Holdings& shelf) {
  std::vector<std::uint64_t> result;
  for (const auto& row : shelf.rows()) result.push_back(row.identity);
  return result;
}

TEST(Holding, StandsOnItsShelfFromAcquireToReleaseInOrder) {
  Holdings shelf("shelf");
  Holding first("door"), third("door");
  first.acquire(shelf, 1);
  {
    Holding second("key");
    second.acquire(shelf, 2, "brass");
    third.acquire(shelf, 3);
    ASSERT_EQ(shelf.rows().size(), 3U);
    const auto row = shelf.rows()[1];
    EXPECT_EQ(row.kind, "key");
    EXPECT_EQ(row.detail, "brass");
  }
  EXPECT_EQ(identities(shelf), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_TRUE(first.held());
  first.release();
  first.release();
  EXPECT_FALSE(first.held());
  first.acquire(shelf, 4);
  first.acquire(shelf, 5);
  EXPECT_EQ(identities(shelf), (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(shelf.size(), 2U);
}

TEST(Holding, NamesTheLineThatMadeItAndItsAge) {
  Holdings shelf("shelf");
  const unsigned line = __LINE__ + 1;
  Holding held("door");
  const auto before = Holding::Clock::now();
  held.acquire(shelf, 7);
  auto row = shelf.rows().front();
  EXPECT_EQ(row.site.line(), line);
  EXPECT_GE(row.since, before);
  EXPECT_LE(row.since, Holding::Clock::now());
  row.detail = "oak";
  EXPECT_EQ(text_of(row, row.since + 90s),
            "door 7 (oak), 1m30s, base/holding_test.cc:" + std::to_string(line) + " (" +
                row.site.function_name() + ")");
}

TEST(Holding, IsStampedWithTheTimeThatItsShelfKeeps) {
  Holdings shelf("shelf");
  const auto kept = Holding::Clock::now() - 1h;
  shelf.keep_time(kept);
  Holding held("door");
  held.acquire(shelf);
  EXPECT_EQ(shelf.rows().front().since, kept);
  EXPECT_EQ(shelf.rows().front().identity, reinterpret_cast<std::uintptr_t>(&held));
}

TEST(Holding, AShelfIsReadWholeWhileOthersComeAndGo) {
  constexpr std::uint64_t kStaying = 1000;
  Holdings shelf("shelf");
  std::deque<Holding> staying;
  for (std::uint64_t i = 0; i < kStaying; ++i) staying.emplace_back("stays").acquire(shelf, i);
  std::atomic<bool> over = false;
  const auto come_and_go = [&] {
    for (std::uint64_t i = 0; !over; ++i) {
      Holding one("passes"), two("passes");
      one.acquire(shelf, 2 * i);
      two.acquire(shelf, 2 * i + 1);
    }
  };
  const auto read = [&] {
    for (int i = 0; i < 200; ++i) {
      std::multiset<std::uint64_t> seen;
      for (const auto& row : shelf.rows()) {
        if (row.kind == "stays") seen.insert(row.identity);
      }
      ASSERT_EQ(seen.size(), kStaying);
      ASSERT_EQ(std::set(seen.begin(), seen.end()).size(), kStaying);
    }
  };
  std::thread busy(come_and_go), other_reader(read);
  read();
  other_reader.join();
  over = true;
  busy.join();
  EXPECT_EQ(shelf.size(), kStaying);
}

TEST(Holding, ARegisterIsToldOfEachShelf) {
  struct Register final : HoldingsRegister {
    void joined(Holdings& shelf) override { names.insert(shelf.name()); }
    void left(Holdings& shelf) noexcept override { names.erase(shelf.name()); }
    std::set<std::string> names;
  } in;
  {
    Holdings one("one", &in);
    Holdings two("two", &in);
    EXPECT_EQ(in.names, (std::set<std::string>{"one", "two"}));
  }
  EXPECT_TRUE(in.names.empty());
}

TEST(HoldingDeathTest, AShelfThatEndsWithSomethingOnItSaysWhatAndWhere) {
  EXPECT_DEATH(
      {
        Holding held("door");
        Holdings shelf("loop 1");
        held.acquire(shelf, 7, "oak");
      },
      "loop 1 ended before what it holds:\n *door 7 .oak., .*holding_test.cc:");
}

TEST(Holding, CutsPathsToTheirLastTwoParts) {
  EXPECT_EQ(short_file("/a/b/c.cc"), "b/c.cc");
  EXPECT_EQ(short_file("b/c.cc"), "b/c.cc");
  EXPECT_EQ(short_file("/c.cc"), "/c.cc");
  EXPECT_EQ(short_file("c.cc"), "c.cc");
  EXPECT_EQ(short_file(""), "");
}

}  // namespace
}  // namespace plumb
