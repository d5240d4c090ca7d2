// SPDX-License-Identifier: Apache-2.0
// The survivor test on leaks, pools and traffic.
#include "detect/model/growth.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using Births = std::array<std::uint64_t, kBirthWindows>;
using std::chrono::seconds;

GrowthSeries series(std::initializer_list<std::uint64_t> counts) {
  GrowthSeries made;
  BootTime time{};
  for (const std::uint64_t count : counts) made.add(time += seconds(1), count);
  return made;
}

TEST(Growth, ALeakGrows) {
  EXPECT_EQ(
      judge(series({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), Births{1, 1, 1, 1, 1, 1, 1, 1}, seconds(10)),
      Growth::kGrowing);
}

TEST(Growth, ALeakUnderTrafficGrows) {
  EXPECT_EQ(judge(series({9, 2, 11, 4, 13, 6, 15, 8, 17, 10, 19, 12}),
                  Births{1, 2, 1, 1, 2, 1, 2, 9}, seconds(12)),
            Growth::kGrowing);
}

// On a busy machine looks come late, and then several at once.
TEST(Growth, ALeakGrowsHoweverTheLooksBunch) {
  GrowthSeries bunched = series({10, 20, 30, 40, 50, 60, 70});
  BootTime time(seconds(7));
  for (int look = 0; look < 9; ++look) bunched.add(time += std::chrono::milliseconds(1), 70);
  EXPECT_EQ(judge(bunched, Births{9, 9, 9, 9, 9, 9, 8, 8}, seconds(8)), Growth::kGrowing);
}

TEST(Growth, APoolThatFillsAndStaysIsSteady) {
  EXPECT_EQ(judge(series({20, 50, 50, 50, 50, 50, 50, 50, 50, 50}), Births{50, 0, 0, 0, 0, 0, 0, 0},
                  seconds(10)),
            Growth::kSteady);
}

TEST(Growth, APoolThatRenewsItselfIsSteady) {
  EXPECT_EQ(judge(series({50, 50, 50, 50, 50, 50, 50, 50, 50, 50}), Births{6, 6, 6, 6, 6, 6, 7, 7},
                  seconds(10)),
            Growth::kSteady);
}

TEST(Growth, TrafficOfTheLastMomentsIsSteady) {
  EXPECT_EQ(
      judge(series({5, 8, 4, 7, 6, 5, 8, 6, 7, 9}), Births{0, 0, 0, 0, 0, 0, 0, 9}, seconds(10)),
      Growth::kSteady);
}

TEST(Growth, NoiseWithinTheRootOfTheCountIsSteady) {
  EXPECT_EQ(judge(series({900, 905, 900, 903, 900, 901, 900, 904, 905, 904, 906, 905}),
                  Births{9, 9, 9, 9, 9, 9, 9, 9}, seconds(12)),
            Growth::kSteady);
}

TEST(Growth, TwoSurvivorsAreTooFew) {
  EXPECT_EQ(judge(series({1, 1, 1, 1, 2, 2, 2, 2}), Births{1, 0, 0, 0, 1, 0, 0, 0}, seconds(8)),
            Growth::kTooFew);
}

TEST(Growth, NothingBornDuringTheTraceIsNone) {
  EXPECT_EQ(judge(series({4, 4, 4, 4}), Births{}, seconds(4)), Growth::kNone);
}

TEST(Growth, FewLooksAreMadeUpForByBirths) {
  EXPECT_EQ(judge(series({3, 9}), Births{1, 1, 1, 1, 1, 1, 1, 2}, seconds(3)), Growth::kGrowing);
  EXPECT_EQ(judge(series({50, 50}), Births{25, 20, 5, 0, 0, 0, 0, 0}, seconds(3)), Growth::kSteady);
}

TEST(Growth, ASeriesStaysSmallAndKeepsItsFloors) {
  GrowthSeries made;
  BootTime time{};
  for (std::uint64_t i = 0; i < 10'000; ++i) made.add(time += seconds(1), i % 2 == 0 ? i : i + 100);
  EXPECT_LE(made.points().size(), 64U);
  EXPECT_EQ(judge(made, Births{1, 1, 1, 1, 1, 1, 1, 1}, seconds(10'000)), Growth::kGrowing);
}

}  // namespace
}  // namespace plumb::detect
