// SPDX-License-Identifier: Apache-2.0
#include "plumb/meter/registry.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace plumb::runtime {
namespace {

const Family& family(const std::vector<Family>& scrape, std::string_view name) {
  const auto found = std::ranges::find(scrape, name, &Family::name);
  if (found == scrape.end()) throw std::runtime_error("no family " + std::string(name));
  return *found;
}

TEST(Registry, CellsOfOneSeriesAreAddedUp) {
  Registry registry;
  auto one = registry.counter("hits_total", "Hits.", {{"code", "200"}, {"at", "a"}});
  auto other = registry.counter("hits_total", "Hits.", {{"at", "a"}, {"code", "200"}});
  auto else_where = registry.counter("hits_total", "Hits.", {{"code", "404"}, {"at", "a"}});
  one.add(3);
  other.add();
  else_where.add(10);
  const auto scrape = registry.scrape();
  ASSERT_EQ(scrape.size(), 1U);
  const auto& samples = scrape.front().samples;
  ASSERT_EQ(samples.size(), 2U);
  using LabelSet = decltype(Sample::labels);
  EXPECT_EQ(samples[0].labels, (LabelSet{{"at", "a"}, {"code", "200"}}));
  EXPECT_EQ(samples[0].value, 4);
  EXPECT_EQ(samples[1].value, 10);
}

TEST(Registry, CountsStayWhenTheirCellEndsAndGaugesGo) {
  Registry registry;
  std::optional counter = registry.counter("hits_total", "Hits.");
  std::optional gauge = registry.gauge("open", "Open.");
  std::optional histogram = registry.histogram("wait_seconds", "Wait.", {1, 2});
  counter->add(3);
  gauge->set(5);
  histogram->observe(1.5);
  counter.reset();
  gauge.reset();
  histogram.reset();
  const auto scrape = registry.scrape();
  EXPECT_EQ(family(scrape, "hits_total").samples.front().value, 3);
  EXPECT_TRUE(family(scrape, "open").samples.empty());
  const auto& kept = family(scrape, "wait_seconds").samples.front();
  EXPECT_EQ(kept.buckets, (std::vector<std::uint64_t>{0, 1, 0}));
  EXPECT_EQ(kept.sum, 1.5);
}

TEST(Registry, ABucketHoldsWhatIsAtMostItsBound) {
  Registry registry;
  auto histogram = registry.histogram("wait_seconds", "Wait.", {0.5, 1, 2});
  for (const double value : {0.1, 0.5, 0.7, 1.0, 2.0, 2.1, 1000.0}) histogram.observe(value);
  histogram.observe(std::chrono::milliseconds(1500));
  const auto scrape = registry.scrape();
  EXPECT_EQ(scrape.front().samples.front().buckets, (std::vector<std::uint64_t>{2, 2, 2, 2}));
  EXPECT_DOUBLE_EQ(scrape.front().samples.front().sum, 1007.9);
}

TEST(Registry, NothingIsLostBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 20000;
  Registry registry;
  auto shared = registry.counter("shared_total", "");
  auto histogram = registry.histogram("waits", "", {1});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        auto own = registry.counter("own_total", "");
        for (int n = 0; n < kTimes; ++n) {
          shared.add();
          own.add();
          histogram.observe(0.5);
          if (n % 1000 == 0) registry.scrape();
        }
      });
    }
  }
  const auto scrape = registry.scrape();
  EXPECT_EQ(family(scrape, "shared_total").samples.front().value, kThreads * kTimes);
  EXPECT_EQ(family(scrape, "own_total").samples.front().value, kThreads * kTimes);
  EXPECT_EQ(family(scrape, "waits").samples.front().buckets.front(), kThreads * kTimes);
  EXPECT_EQ(family(scrape, "waits").samples.front().sum, kThreads * kTimes * 0.5);
}

TEST(Registry, ACollectorLastsAsLongAsWhatItGave) {
  Registry registry;
  {
    const auto collector = registry.collect([](Scrape& scrape) {
      scrape.gauge("now", "Found at the scrape.", {{"of", "x"}}, 42);
    });
    EXPECT_EQ(family(registry.scrape(), "now").samples.front().value, 42);
  }
  EXPECT_TRUE(registry.scrape().empty());
}

TEST(Registry, CollectorsAndCellsOfOneNameAreOneFamily) {
  Registry registry;
  auto cell = registry.gauge("open", "Open.", {{"of", "a"}});
  const auto collector = registry.collect([](Scrape& scrape) {
    scrape.gauge("open", "", {{"of", "b"}}, 1);
  });
  const auto scrape = registry.scrape();
  ASSERT_EQ(scrape.size(), 1U);
  EXPECT_EQ(scrape.front().samples.size(), 2U);
  EXPECT_EQ(scrape.front().help, "Open.");
}

TEST(RegistryDeathTest, OneNameHasOneMeaning) {
  EXPECT_DEATH(
      {
        Registry registry;
        auto gauge = registry.gauge("wait", "");
        auto histogram = registry.histogram("wait", "", {1});
      },
      "the metric wait is registered for two types");
  EXPECT_DEATH(
      {
        Registry registry;
        auto one = registry.histogram("wait", "", {1});
        auto two = registry.histogram("wait", "", {2});
      },
      "the metric wait is registered for two types or sets of buckets");
}

TEST(Registry, BucketsGrowByAFactor) {
  EXPECT_EQ(exponential_buckets(1, 4, 4), (std::vector<double>{1, 4, 16, 64}));
  EXPECT_TRUE(std::ranges::is_sorted(duration_buckets()));
}

}  // namespace
}  // namespace plumb::runtime
