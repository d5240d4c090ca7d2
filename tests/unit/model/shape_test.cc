// SPDX-License-Identifier: Apache-2.0
// Shapes of synthetic series: leaks of every sort are seen, and what is no leak is not.
#include "detect/model/shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace plumb::detect {
namespace {

using std::chrono::seconds;

std::vector<SeriesPoint> series(std::size_t looks, const std::function<double(double)>& count) {
  std::vector<SeriesPoint> points;
  for (std::size_t i = 0; i < looks; ++i) {
    const double value = std::max(0.0, std::floor(count(static_cast<double>(i))));
    points.push_back({BootTime(seconds(i)), static_cast<std::uint64_t>(value)});
  }
  return points;
}

TEST(Shape, ALinearLeakIsLinearAndItsRateIsRight) {
  const Trend trend = trend_of(series(30, [](double t) { return 100 + 2 * t; }), 3);
  EXPECT_EQ(trend.shape, Shape::kLinear);
  EXPECT_NEAR(trend.per_second, 2, 0.2);
  EXPECT_GT(trend.at_least, 1);
}

TEST(Shape, ALeakNowAndThenHasSteps) {
  const Trend trend = trend_of(series(60, [](double t) { return 7 + std::floor(t / 12); }), 3);
  EXPECT_EQ(trend.shape, Shape::kSteps);
  EXPECT_NEAR(trend.per_second, 1.0 / 12, 0.03);
}

TEST(Shape, ALeakUnderBusyTrafficRises) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> traffic(0, 30);
  const Trend trend = trend_of(series(60, [&](double t) { return 20 + t + traffic(random); }), 3);
  EXPECT_TRUE(trend.rises());
}

TEST(Shape, APoolThatFillsIsAPlateau) {
  const auto points = series(40, [](double t) { return std::min(50.0, 5 * t); });
  EXPECT_EQ(trend_of(points, 3).shape, Shape::kPlateau);
}

TEST(Shape, ACollectorMakesASawtooth) {
  const auto points = series(40, [](double t) { return 20 + 4 * std::fmod(t, 10); });
  EXPECT_EQ(trend_of(points, 3).shape, Shape::kSawtooth);
}

TEST(Shape, WhatDoesNotMoveIsSteady) {
  EXPECT_EQ(trend_of(series(30, [](double) { return 12; }), 3).shape, Shape::kSteady);
}

TEST(Shape, AFewPointsAreTooShort) {
  EXPECT_EQ(trend_of(series(7, [](double t) { return 10 * t; }), 3).shape, Shape::kTooShort);
}

TEST(Shape, WhatGoesWithTheLoadFollowsIt) {
  const auto load = series(40, [](double t) { return 10 + 2 * t; });
  const auto files = series(40, [](double t) { return 15 + 2 * t; });
  EXPECT_EQ(trend_of(files, load, 3).shape, Shape::kFollowsLoad);
  const auto constant = series(40, [](double) { return 10; });
  EXPECT_EQ(trend_of(files, constant, 3).shape, Shape::kLinear);
}

TEST(Shape, TimeToTheLimit) {
  const Trend trend = trend_of(series(30, [](double t) { return 2 * t; }), 3);
  const auto left = time_to(1024, 1000, trend);
  ASSERT_TRUE(left);
  EXPECT_NEAR(std::chrono::duration<double>(*left).count(), 12, 2);
  EXPECT_EQ(time_to(10, 10, trend), std::chrono::nanoseconds(0));
  EXPECT_FALSE(time_to(1024, 10, Trend{}));
}

// How many of 500 series are said to rise.
template <typename Make>
int risen(Make&& make) {
  int count = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    count += trend_of(make(random), 5).rises();
  }
  return count;
}

TEST(Shape, BusyPoolsRaiseFewFalseAlarms) {
  const int alarms = risen([](std::mt19937& random) {
    std::poisson_distribution<int> connections(40);
    return series(60, [&](double) { return connections(random); });
  });
  EXPECT_LE(alarms, 5);
}

TEST(Shape, ClientsThatComeAndGoRaiseFewFalseAlarms) {
  // Arrivals of two a second that stay ten seconds: a walk around twenty.
  const int alarms = risen([](std::mt19937& random) {
    std::poisson_distribution<int> arrivals(2);
    std::exponential_distribution<double> stay(0.1);
    std::vector<double> ends;
    for (int t = -60; t < 0; ++t) {
      for (int n = arrivals(random); n > 0; --n) ends.push_back(t + stay(random));
    }
    return series(60, [&](double t) {
      for (int n = arrivals(random); n > 0; --n) ends.push_back(t + stay(random));
      return static_cast<double>(std::ranges::count_if(ends, [&](double end) { return end > t; }));
    });
  });
  EXPECT_LE(alarms, 20);
}

TEST(Shape, LeaksUnderTrafficAreSeldomMissed) {
  const int seen = risen([](std::mt19937& random) {
    std::poisson_distribution<int> connections(40);
    return series(60, [&](double t) { return connections(random) + t / 2; });
  });
  EXPECT_GE(seen, 450);
}

}  // namespace
}  // namespace plumb::detect
