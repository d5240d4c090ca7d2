// SPDX-License-Identifier: Apache-2.0
// Jobs on a loop: real time, a few milliseconds of it. What is asserted is order and number, never
// that something took no longer than it should.
#include "plumb/jobs/jobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "plumb/loop/event.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

class JobsTest : public testing::Test {
 protected:
  JobsTest() {
    auto made = Loop::create();
    EXPECT_TRUE(made.ok());
    loop_ = *std::move(made);
  }
  void TearDown() override {
    EXPECT_EQ(loop_->census(), Census{});
    EXPECT_EQ(loop_->holdings().size(), 2U);  // its own two descriptors
  }
  Loop& loop() { return *loop_; }

  // Runs `jobs` until `over` is set.
  void run_until(Jobs& jobs, Event& over) {
    loop().run([](Jobs& running, Event& until) -> Task<> {
      co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
        scope.start(running.run());
        EXPECT_TRUE((co_await until.wait()).ok());
      });
    }(jobs, over));
  }

  // Every mark as "job mark", and the errors. Overruns, which a busy machine adds, are counted.
  std::function<void(const JobEvent&)> keep_marks() {
    return [this](const JobEvent& event) {
      left_out_ += event.left_out;
      if (event.mark == JobMark::kOverrun) return;
      marks_.push_back(std::string(event.job) + ' ' + name_of(event.mark));
      if (event.error != nullptr) errors_.push_back(event.error->message());
    };
  }

  std::vector<std::string> marks_;
  std::vector<std::string> errors_;
  std::uint64_t left_out_ = 0;

 private:
  std::unique_ptr<Loop> loop_;
};

TEST_F(JobsTest, RunAgainAndAgainAndMarkEachStartAndStop) {
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks()});
  int runs = 0;
  const auto period = jobs.add({.name = "a", .every = 2ms}, [&]() -> Task<Result<void>> {
    std::size_t held = 0;
    for (const auto& row : loop().holdings().rows()) {
      held += row.kind == "job" && row.detail == "a" ? 1U : 0U;
    }
    EXPECT_EQ(held, 1U);
    if (++runs == 3) over.set(loop());
    co_return Result<void>();
  });
  EXPECT_EQ(period, 2ms);
  run_until(jobs, over);
  ASSERT_GE(marks_.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(marks_[i], i % 2 == 0 ? "a start" : "a stop");
  EXPECT_TRUE(errors_.empty());
}

TEST_F(JobsTest, NeverRunBesideThemselves) {
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks()});
  int inside = 0;
  int runs = 0;
  jobs.add({.name = "slow", .every = 2ms}, [&]() -> Task<Result<void>> {
    EXPECT_EQ(++inside, 1);
    const auto slept = co_await sleep(9ms);
    --inside;
    // A third may be due in the very turn in which the end of the second is told.
    if (!slept) co_return slept;
    if (++runs == 2) over.set(loop());
    co_return Result<void>();
  });
  run_until(jobs, over);
  EXPECT_GE(left_out_, 8U);
  EXPECT_EQ(marks_[0], "slow start");
  EXPECT_EQ(marks_[1], "slow stop");
}

TEST_F(JobsTest, AnOverrunIsToldWhileItGoesOn) {
  Event over;
  Jobs jobs(loop(), {.on_mark = [&](const JobEvent& event) {
              if (event.mark == JobMark::kOverrun) over.set(loop());
            }});
  jobs.add({.name = "stuck", .every = 2ms},
           []() -> Task<Result<void>> { co_return co_await sleep(24h); });
  run_until(jobs, over);
}

TEST_F(JobsTest, ADeadlineEndsARunAndTheNextOneComes) {
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks()});
  int runs = 0;
  jobs.add({.name = "a", .every = 3ms, .deadline = 1ms}, [&]() -> Task<Result<void>> {
    if (++runs == 3) over.set(loop());
    auto slept = co_await sleep(24h);
    EXPECT_FALSE(slept.ok());
    if (runs == 2) co_return Result<void>();  // ignores what it was told
    co_return slept;
  });
  run_until(jobs, over);
  ASSERT_GE(errors_.size(), 2U);
  EXPECT_EQ(std::ranges::count(marks_, "a stop"), 0);
  EXPECT_TRUE(errors_[1].find("it met its deadline") != std::string::npos) << errors_[1];
}

TEST_F(JobsTest, WhatFailsOrThrowsRunsAgain) {
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks()});
  int runs = 0;
  jobs.add({.name = "a", .every = 1ms}, [&]() -> Task<Result<void>> {
    switch (++runs) {
      case 1:
        co_return fail("fetch", "x", EIO);
      case 2:
        throw std::runtime_error("no such image");
      case 3:
        throw 42;
      default:
        over.set(loop());
        co_return Result<void>();
    }
  });
  run_until(jobs, over);
  ASSERT_EQ(errors_.size(), 3U);
  EXPECT_TRUE(errors_[1].find("no such image") != std::string::npos) << errors_[1];
}

TEST_F(JobsTest, CancellingEndsTheRunAndSaysSo) {
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks()});
  jobs.add({.name = "a", .every = 1h, .at_start = true}, [&]() -> Task<Result<void>> {
    over.set(loop());
    co_return co_await sleep(24h);
  });
  run_until(jobs, over);
  EXPECT_EQ(marks_, (std::vector<std::string>{"a start", "a failed"}));
}

TEST_F(JobsTest, JitterDelaysButDoesNotMoveTheGrid) {
  Event over;
  std::vector<nanoseconds> began;
  const auto start = Loop::Clock::now();
  Jobs jobs(loop());
  jobs.add({.name = "a", .every = 20ms, .jitter = 10ms, .at_start = true},
           [&]() -> Task<Result<void>> {
             began.push_back(Loop::Clock::now() - start);
             if (began.size() == 4) over.set(loop());
             co_return Result<void>();
           });
  run_until(jobs, over);
  for (std::size_t i = 0; i < began.size(); ++i) EXPECT_GE(began[i], 20ms * i);
}

TEST_F(JobsTest, TheRegistryCountsThem) {
  Registry registry;
  Event over;
  Jobs jobs(loop(), {.registry = &registry});
  int runs = 0;
  jobs.add({.name = "a", .every = 1ms}, [&]() -> Task<Result<void>> {
    if (++runs == 3) over.set(loop());
    if (runs == 1) co_return fail("fetch", "x", EIO);
    co_return Result<void>();
  });
  run_until(jobs, over);
  std::map<std::string, double> values;
  for (const auto& family : registry.scrape()) {
    for (const auto& sample : family.samples) {
      EXPECT_EQ(sample.labels.front(), std::pair(std::string("job"), std::string("a")));
      const bool outcome = sample.labels.size() > 1;
      values[family.name + (outcome ? " " + sample.labels.back().second : "")] = sample.value;
    }
  }
  EXPECT_EQ(values["plumb_job_runs_total failed"], 1);
  EXPECT_GE(values["plumb_job_runs_total ok"], 2);
  EXPECT_EQ(values["plumb_job_running"], 0);
  EXPECT_DOUBLE_EQ(values["plumb_job_period_seconds"], 0.001);
  EXPECT_GT(values["plumb_job_last_success_timestamp_seconds"], 1.7e9);
}

struct Memory final : LastRuns {
  std::optional<Time> last(std::string_view job) const override {
    return job == "known" ? std::optional(then) : std::nullopt;
  }
  Result<void> ran(std::string_view job, Time at) override {
    if (job == "unkept") return fail("keep", std::string(job), ENOSPC);
    kept[std::string(job)] = at;
    return {};
  }
  Time then = std::chrono::system_clock::now() - 30 * 24h;
  std::map<std::string, Time> kept;
};

TEST_F(JobsTest, ALastRunLongAgoIsMadeUpFor) {
  Memory memory;
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks(), .last_runs = &memory});
  // An overdue job begins a hundredth of its period after the start.
  jobs.add({.name = "known", .every = 500ms, .exact = true}, [&]() -> Task<Result<void>> {
    over.set(loop());
    co_return Result<void>();
  });
  jobs.add({.name = "new", .every = 24h}, [&]() -> Task<Result<void>> {
    ADD_FAILURE() << "not due for a day";
    co_return Result<void>();
  });
  run_until(jobs, over);
  EXPECT_TRUE(memory.kept.contains("known"));
}

TEST_F(JobsTest, ARunThatCannotBeKeptIsMarked) {
  Memory memory;
  Event over;
  Jobs jobs(loop(), {.on_mark = keep_marks(), .last_runs = &memory});
  jobs.add({.name = "unkept", .every = 1h, .at_start = true}, [&]() -> Task<Result<void>> {
    over.set(loop());
    co_return Result<void>();
  });
  run_until(jobs, over);
  EXPECT_EQ(marks_.back(), "unkept not kept");
}

TEST_F(JobsTest, HourlyJobsHavePrimePeriods) {
  Jobs jobs(loop());
  const auto body = []() -> Task<Result<void>> { co_return Result<void>(); };
  EXPECT_EQ(jobs.add({.name = "a", .every = 1h}, body), 59min);
  EXPECT_EQ(jobs.add({.name = "b", .every = 1h}, body), 53min);
  EXPECT_EQ(jobs.add({.name = "c", .every = 1h}, body), 67min);
  EXPECT_EQ(jobs.add({.name = "d", .every = 1h}, body), 47min);
  EXPECT_EQ(jobs.add({.name = "e", .every = 1h, .exact = true}, body), 1h);
}

using JobsDeathTest = JobsTest;
TEST_F(JobsDeathTest, RefusesWhatWouldRunSomethingElse) {
  const auto body = []() -> Task<Result<void>> { co_return Result<void>(); };
  EXPECT_DEATH(Jobs(loop()).add({.name = "a"}, body), "needs a period");
  Jobs jobs(loop());
  jobs.add({.name = "a", .every = 1h}, body);
  EXPECT_DEATH(jobs.add({.name = "a", .every = 2h}, body), "was added already");
}

}  // namespace
}  // namespace plumb::runtime
