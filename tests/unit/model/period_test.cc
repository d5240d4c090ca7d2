// SPDX-License-Identifier: Apache-2.0
// Periods of creations.
#include "detect/model/period.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace plumb::detect {
namespace {

using std::chrono::milliseconds;

std::vector<BootTime> times(std::initializer_list<int> at) {
  std::vector<BootTime> all;
  for (const int one : at) all.emplace_back(milliseconds(one));
  return all;
}

TEST(Period, OfARegularJob) {
  const auto period = period_of(times({100, 6000, 11900, 17800, 23700}));
  ASSERT_TRUE(period);
  EXPECT_EQ(period->every, milliseconds(5900));
  EXPECT_EQ(period->comings, 5U);
}

TEST(Period, AMissingRunIsNoNewPeriod) {
  const auto period = period_of(times({0, 1000, 2000, 4000, 5000, 6000}));
  ASSERT_TRUE(period);
  EXPECT_EQ(period->every, milliseconds(1000));
}

TEST(Period, TwoAtATime) {
  const auto period = period_of(times({0, 5, 5000, 5004, 10000, 10006, 15000, 15005}));
  ASSERT_TRUE(period);
  EXPECT_NEAR(static_cast<double>(period->every.count()), 5e9, 2e7);
  EXPECT_EQ(period->each, 2);
}

TEST(Period, NotOfWhatComesWhenItLikes) {
  int periods = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::exponential_distribution<double> wait(1);
    std::vector<BootTime> all;
    double at = 0;
    for (int i = 0; i < 12; ++i) {
      at += wait(random);
      all.emplace_back(milliseconds(static_cast<int>(at * 1000)));
    }
    periods += period_of(all).has_value();
  }
  EXPECT_LE(periods, 6);
}

TEST(Period, ThreeAreTooFew) {
  EXPECT_FALSE(period_of(times({0, 1000, 2000})));
  EXPECT_FALSE(period_of(times({5, 5, 5, 5})));
}

}  // namespace
}  // namespace plumb::detect
