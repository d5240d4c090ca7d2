// SPDX-License-Identifier: Apache-2.0
// Jobs: what a service does every so often. Each job runs on a period of its own, a prime number of
// minutes or seconds near the one wanted (spread.h), so that what grows in steps can be told apart;
// each start and end is a mark that the owner, the metrics and a tracer outside see.
//
//   Jobs jobs(loop, {.registry = &registry});
//   jobs.add({.name = "check images", .every = 1h, .deadline = 5min},
//            [&]() -> Task<Result<void>> { … });
//   scope.start(jobs.run());
//
// A job never runs beside itself: a run that lasts beyond the next one's time is an overrun, and
// what it missed is left out. A job that fails, or throws, runs again at its next time. Runs are
// tasks of run(), which ends when it is cancelled and they have ended.
// Each mark is the USDT probe plumb:mark with the arguments name (text), what (text: "start",
// "stop", "failed", "overrun"), number of the run. A run stands as "job" in the loop's holdings.
// Threads: those of its loop only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/jobs/last_runs.h"
#include "plumb/jobs/spread.h"
#include "plumb/loop/loop.h"
#include "plumb/meter/registry.h"

namespace plumb::runtime {

enum class JobMark : std::uint8_t {
  kStart,
  kStop,     // the run succeeded
  kFailed,   // the run ended with an error, threw, met its deadline or was cancelled
  kOverrun,  // the next run was due while this one went on: it is left out
  kNotKept,  // LastRuns::ran() failed
};
const char* name_of(JobMark mark) noexcept;

struct JobEvent {
  JobMark mark = JobMark::kStart;
  std::string_view job;
  std::uint64_t run = 0;  // the job's first run is 1
  std::chrono::system_clock::time_point at;
  std::chrono::nanoseconds took{0};  // since the start of the run
  const Error* error = nullptr;      // of kFailed and kNotKept
  std::uint64_t left_out = 0;        // of kOverrun: how many runs
};

struct JobOptions {
  std::string name;  // of one job only; a mark's, a metric's label, a key of LastRuns
  std::chrono::nanoseconds every{0};
  // After it the waits of the run fail with ETIMEDOUT, and the run with them.
  std::optional<std::chrono::nanoseconds> deadline = std::nullopt;
  // Each run begins up to so much later than it is due, at random, without moving the ones after.
  std::chrono::nanoseconds jitter{0};
  bool exact = false;     // every as given, not a prime near it
  bool at_start = false;  // the first run at once, not after a period; a kept last run goes before
};

class Jobs {
 public:
  using Body = std::function<Task<Result<void>>()>;
  struct Options {
    std::function<void(const JobEvent&)> on_mark = {};  // must be quick
    Registry* registry = nullptr;   // plumb_job_…, see docs/meter.md; must outlive the jobs
    LastRuns* last_runs = nullptr;  // kept across restarts; must outlive the jobs
  };

  explicit Jobs(Loop& loop);
  Jobs(Loop& loop, Options options);
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;
  ~Jobs();

  // Before run(). Gives the period that the job has. Aborts on a period that is not positive and on
  // a name that is in use: both would run something else than was meant.
  std::chrono::nanoseconds add(JobOptions options, Body body,
                               std::source_location site = std::source_location::current());

  // Runs the jobs until cancelled. Once.
  Task<> run();

 private:
  struct Job;
  Task<> keep_running(Job& job);
  Task<> run_once(Job& job);
  Task<Result<void>> perform(Job& job);
  void mark(Job& job, JobMark mark, const Error* error = nullptr, std::uint64_t left_out = 0);
  void keep(Job& job);
  std::chrono::nanoseconds since_start() const noexcept;

  Loop& loop_;
  const Options options_;
  PeriodSpreader spreader_;
  std::vector<std::unique_ptr<Job>> jobs_;
  Loop::Clock::time_point started_{};
};

}  // namespace plumb::runtime
