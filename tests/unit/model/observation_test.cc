// SPDX-License-Identifier: Apache-2.0
// Observations that go on for long: fewer looks, the same story.
#include "detect/model/observation.h"

#include <gtest/gtest.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

constexpr BootTime kBegan{std::chrono::hours(1)};

// A process whose files become one more at each look; another that ends after the tenth.
Observation looks(int count) {
  Observation observation;
  for (int look = 0; look < count; ++look) {
    SurveyBuilder machine;
    machine.survey.taken = kBegan + std::chrono::seconds(look);
    machine.process(10, "leaks");
    for (int fd = 0; fd <= look; ++fd) machine.row(fd, Kind::kFile);
    if (look < 10) machine.process(20, "ends");
    observation.add(Joined(machine.survey));
  }
  return observation;
}

TEST(Observation, ThinnedItTellsTheSameOfHalfTheLooks) {
  for (const int count : {20, 21}) {
    Observation observation = looks(count);
    observation.thin();
    const auto half = static_cast<std::size_t>((count + 1) / 2);
    ASSERT_EQ(observation.times().size(), half);
    const Tracked* leaks = observation.find({Pid{10}, Ticks(1000)});
    ASSERT_NE(leaks, nullptr);
    EXPECT_EQ(leaks->looks, half);
    const auto series = observation.series(*leaks, measure_of(Kind::kFile));
    ASSERT_EQ(series.size(), half);
    for (std::size_t i = 0; i < half; ++i) {
      EXPECT_EQ(series[i].time, kBegan + std::chrono::seconds(2 * i));
      EXPECT_EQ(series[i].count, 2 * i + 1);
    }
    EXPECT_EQ(observation.find({Pid{20}, Ticks(2000)}), nullptr);
  }
}

TEST(Observation, ThinnedItGoesOn) {
  Observation observation = looks(20);
  observation.thin();
  SurveyBuilder machine;
  machine.survey.taken = kBegan + std::chrono::seconds(22);
  machine.process(10, "leaks");
  observation.add(Joined(machine.survey));
  const Tracked* leaks = observation.find({Pid{10}, Ticks(1000)});
  ASSERT_NE(leaks, nullptr);
  const auto series = observation.series(*leaks, measure_of(Kind::kFile));
  ASSERT_EQ(series.size(), 11U);
  EXPECT_EQ(series[9].count, 19U);
  EXPECT_EQ(series[10].count, 0U);
}

}  // namespace
}  // namespace plumb::detect
