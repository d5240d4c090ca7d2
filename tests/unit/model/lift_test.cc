// SPDX-License-Identifier: Apache-2.0
// What comes after marks, and what only seems to.
#include "detect/model/lift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr Looking kMinute{BootTime(100s), BootTime(160s)};

BootTime at(double seconds) {
  return BootTime(100s) + duration_cast<nanoseconds>(duration<double>(seconds));
}

std::vector<Mark> runs(const std::string& name, double every, double first = 0) {
  std::vector<Mark> marks;
  for (double time = first; time < 60; time += every) {
    marks.push_back({at(time), Mark::Source::kScript, Mark::What::kStart, name, {}});
  }
  return marks;
}

std::vector<BootTime> after(const std::vector<Mark>& marks, double delay) {
  std::vector<BootTime> births;
  for (const Mark& mark : marks) {
    births.push_back(mark.time + duration_cast<nanoseconds>(duration<double>(delay)));
  }
  return births;
}

void append(std::vector<Mark>& all, const std::vector<Mark>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

TEST(Lift, ABirthAfterEachRunIsTiedToIt) {
  const auto marks = runs("images", 9, 3);
  const auto lifts = lifts_of(after(marks, 0.4), marks, kMinute);
  ASSERT_EQ(lifts.size(), 1u);
  EXPECT_EQ(lifts[0].name, "images");
  EXPECT_EQ(lifts[0].runs, 7u);
  EXPECT_EQ(lifts[0].followed, 7u);
  EXPECT_EQ(lifts[0].within, 7u);
  EXPECT_EQ(lifts[0].window, nanoseconds(2s));
  EXPECT_LT(lifts[0].probability, 1e-4);
  EXPECT_LT(lifts[0].expected, 2);
}

TEST(Lift, AmongOtherJobsItIsTheOneThatLeaks) {
  auto marks = runs("images", 7, 1);
  const auto births = after(marks, 0.1);
  append(marks, runs("health", 3, 0.5));
  append(marks, runs("tags", 11, 2));
  append(marks, runs("catalog", 13, 4));
  const auto lifts = lifts_of(births, marks, kMinute);
  ASSERT_EQ(lifts.size(), 1u);
  EXPECT_EQ(lifts[0].name, "images");
}

TEST(Lift, ARunThatLastsLeaksBeforeItStops) {
  std::vector<Mark> marks;
  std::vector<BootTime> births;
  for (int run = 0; run < 7; ++run) {
    marks.push_back({at(8 * run), Mark::Source::kJob, Mark::What::kStart, "sync", {}});
    marks.push_back({at(8 * run + 1.5), Mark::Source::kJob, Mark::What::kStop, "sync", {}});
    births.push_back(at(8 * run + 1.4));
  }
  const auto lifts = lifts_of(births, marks, kMinute);
  ASSERT_EQ(lifts.size(), 1u);
  EXPECT_TRUE(lifts[0].ended);
  EXPECT_EQ(lifts[0].followed, 7u);
}

TEST(Lift, OneRunWithoutABirthIsForgiven) {
  const auto marks = runs("images", 7, 1);
  auto births = after(marks, 0.1);
  births.erase(births.begin() + 3);
  ASSERT_EQ(lifts_of(births, marks, kMinute).size(), 1u);
}

// The twins: nothing of this may be tied.

TEST(Lift, ALeakWithAPeriodOfItsOwnIsNotTiedToAJobOfAnother) {
  const auto births = after(runs("", 5.9), 0.0);
  EXPECT_TRUE(lifts_of(births, runs("images", 7, 1), kMinute).empty());
  EXPECT_TRUE(lifts_of(births, runs("health", 3, 0.5), kMinute).empty());
}

TEST(Lift, ASteadyStreamFollowsEveryMarkAndIsTiedToNone) {
  const auto births = after(runs("", 0.2), 0.0);
  EXPECT_TRUE(lifts_of(births, runs("images", 7, 1), kMinute).empty());
}

TEST(Lift, ALeakThatIsFivefoldAsFrequentIsNotTheJobsThoughItIsInStep) {
  const auto births = after(runs("", 1.4, 1), 0.05);
  EXPECT_TRUE(lifts_of(births, runs("images", 7, 1), kMinute).empty());
}

TEST(Lift, TwoRunsTellNothing) {
  const auto marks = runs("images", 30, 5);
  EXPECT_TRUE(lifts_of(after(marks, 0.1), marks, kMinute).empty());
}

TEST(Lift, MarksOutsideTheTimeOfLookingDoNotCount) {
  auto marks = runs("images", 7, 1);
  const auto births = after(marks, 0.1);
  for (Mark& mark : marks) mark.time += 1h;
  EXPECT_TRUE(lifts_of(births, marks, kMinute).empty());
}

// A thousand machines on which nothing is tied to anything: births and jobs at random times, two
// hundred names each. Fewer than one in a hundred may be told of; without the correction for the
// number of tests it would be one in five.
TEST(Lift, ManyMarksAreManyTests) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> anywhere(0, 60);
  std::size_t told = 0;
  for (int machine = 0; machine < 1000; ++machine) {
    std::vector<BootTime> births;
    for (int birth = 0; birth < 5; ++birth) births.push_back(at(anywhere(random)));
    std::ranges::sort(births);
    std::vector<Mark> marks;
    for (int name = 0; name < 200; ++name) {
      for (int run = 0; run < 3; ++run) {
        marks.push_back({at(anywhere(random)),
                         Mark::Source::kExec,
                         Mark::What::kStart,
                         "n" + std::to_string(name),
                         {}});
      }
    }
    told += !lifts_of(births, marks, kMinute).empty();
  }
  EXPECT_LT(told, 10u);
}

}  // namespace
}  // namespace plumb::detect
