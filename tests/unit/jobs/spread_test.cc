// SPDX-License-Identifier: Apache-2.0
#include "plumb/jobs/spread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include "plumb/base/human.h"
#include "plumb/base/text.h"
#include "plumb/jobs/schedule.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

std::vector<nanoseconds> spread(nanoseconds wanted, std::size_t count) {
  PeriodSpreader spreader;
  std::vector<nanoseconds> periods;
  while (periods.size() < count) periods.push_back(spreader.spread(wanted));
  return periods;
}

TEST(PeriodSpreader, FourHourlyJobs) {
  auto periods = spread(1h, 4);
  std::ranges::sort(periods);
  EXPECT_EQ(periods, (std::vector<nanoseconds>{47min, 53min, 59min, 67min}));
}

TEST(PeriodSpreader, AnyNumberOfJobsHaveDifferentPeriodsNearTheirs) {
  for (const nanoseconds wanted :
       {nanoseconds(1s), nanoseconds(5min), nanoseconds(1h), nanoseconds(24h)}) {
    const auto periods = spread(wanted, 25);
    EXPECT_EQ(std::set(periods.begin(), periods.end()).size(), 25U) << wanted.count();
    for (const auto period : periods) {
      EXPECT_GE(period * 2, wanted);
      EXPECT_LE(period, wanted * 2);
    }
  }
}

TEST(PeriodSpreader, WhereThereIsNoPrimeAPeriodStays) {
  EXPECT_EQ(spread(50ms, 100).back(), 50ms);  // 17 primes are between 25 and 100
  PeriodSpreader spreader;
  EXPECT_EQ(spreader.spread(29ms), 29ms);
  EXPECT_EQ(spreader.spread(29ms), 29ms);
  EXPECT_EQ(spreader.spread(1us), 1us);
}

// Coinciding beginnings in a month of 30 days, simulated with the schedule that jobs run on.
struct Coincidences {
  int runs = 0;
  int pairs = 0;         // of jobs that begin in the same minute
  int most_at_once = 0;  // jobs
};
Coincidences simulate(const std::vector<nanoseconds>& periods) {
  std::vector<JobSchedule> jobs;
  for (const auto period : periods) jobs.emplace_back(period, period);
  Coincidences found;
  for (nanoseconds now = 0min; now <= 30 * 24h; now += 1min) {
    int at_once = 0;
    for (auto& job : jobs) {
      if (job.due() > now) continue;
      EXPECT_EQ(job.ran(now), 0U);
      ++at_once;
    }
    found.runs += at_once;
    found.pairs += at_once * (at_once - 1) / 2;
    found.most_at_once = std::max(found.most_at_once, at_once);
  }
  return found;
}

TEST(PeriodSpreader, SeldomTwoJobsBeginTogetherInAMonth) {
  const auto together = simulate({1h, 1h, 1h, 1h});
  EXPECT_EQ(together.runs, 2880);
  EXPECT_EQ(together.pairs, 720 * 6);
  EXPECT_EQ(together.most_at_once, 4);

  const auto apart = simulate(spread(1h, 4));
  EXPECT_EQ(apart.runs, 43200 / 47 + 43200 / 53 + 43200 / 59 + 43200 / 67);
  EXPECT_EQ(apart.pairs, 80);  // the sum of 43200 / (p q) over the pairs of periods
  EXPECT_EQ(apart.most_at_once, 2);
}

TEST(PeriodSpreader, TheTableOfTheDocumentIsTrue) {
  std::ifstream document(std::string(PLUMB_SOURCE_DIR) + "/docs/jobs.md");
  int rows = 0;
  for (std::string line; std::getline(document, line);) {
    std::istringstream cells(line);
    std::string empty, wanted, all;
    std::getline(cells, empty, '|');
    std::getline(cells, wanted, '|');
    std::getline(cells, all, '|');
    const auto period = parse_duration(trim(wanted));
    if (!period) continue;
    ++rows;
    std::istringstream words(all);
    PeriodSpreader spreader;
    for (std::string word; words >> word;) {
      if (word.ends_with(',')) word.pop_back();
      EXPECT_EQ(parse_duration(word), spreader.spread(*period)) << line;
    }
  }
  EXPECT_GE(rows, 8);
}

TEST(JobSchedule, KeepsItsGridHoweverLongARunTakes) {
  JobSchedule job(10min, 60min);
  EXPECT_EQ(job.due(), 10min);
  EXPECT_EQ(job.ran(12min), 0U);
  EXPECT_EQ(job.due(), 70min);
  EXPECT_EQ(job.ran(70min + 150min), 2U);
  EXPECT_EQ(job.due(), 250min);
  EXPECT_EQ(job.ran(310min), 1U);
  EXPECT_EQ(job.due(), 370min);
  job.skip();
  EXPECT_EQ(job.due(), 430min);
}

TEST(JobSchedule, ARestartKeepsTheRhythmAndSpreadsWhatIsLate) {
  EXPECT_EQ(first_due_after(20min, 60min, 1), 40min);
  EXPECT_EQ(first_due_after(3h, 50min, 1), 30s);
  EXPECT_EQ(first_due_after(3h, 50min, 2), 60s);
  EXPECT_EQ(first_due_after(-5min, 60min, 1), 60min);
}

}  // namespace
}  // namespace plumb::runtime
