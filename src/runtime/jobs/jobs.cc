// SPDX-License-Identifier: Apache-2.0
// Running jobs and saying so.
#include "plumb/jobs/jobs.h"

#include <sys/sdt.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "plumb/base/holding.h"
#include "plumb/jobs/schedule.h"

namespace plumb::runtime {
namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

// What the registry is told of one job.
struct JobMeters {
  JobMeters(Registry& registry, const std::string& name, nanoseconds period)
      : succeeded(runs(registry, name, "ok")),
        failed(runs(registry, name, "failed")),
        overrun(runs(registry, name, "left out")),
        duration(registry.histogram("plumb_job_duration_seconds", "Duration of the runs of a job.",
                                    exponential_buckets(0.01, 4, 10), {{"job", name}})),
        running(registry.gauge("plumb_job_running", "1 while the job runs.", {{"job", name}})),
        last(registry.gauge("plumb_job_last_success_timestamp_seconds",
                            "When a run last succeeded, in seconds since 1970.", {{"job", name}})),
        every(registry.gauge("plumb_job_period_seconds", "The job's period.", {{"job", name}})) {
    every.set(std::chrono::duration<double>(period).count());
  }
  static Counter runs(Registry& registry, const std::string& name, const char* outcome) {
    return registry.counter("plumb_job_runs_total", "Runs of a job.",
                            {{"job", name}, {"outcome", outcome}});
  }
  Counter succeeded, failed, overrun;
  Histogram duration;
  Gauge running, last, every;
};

[[noreturn]] void refuse(const std::string& name, const char* why) {
  std::fprintf(stderr, "plumb: the job \"%s\" %s\n", name.c_str(), why);
  std::abort();
}

}  // namespace

const char* name_of(JobMark mark) noexcept {
  static constexpr std::array<const char*, 5> kNames = {"start", "stop", "failed", "overrun",
                                                        "not kept"};
  return kNames[static_cast<std::size_t>(mark)];
}

struct Jobs::Job {
  Job(JobOptions given, Body does, nanoseconds spread, std::source_location at)
      : options(std::move(given)),
        body(std::move(does)),
        schedule(spread, spread),
        site(at),
        random(static_cast<std::uint_fast32_t>(Loop::Clock::now().time_since_epoch().count())) {}

  const JobOptions options;
  const Body body;
  JobSchedule schedule;
  const std::source_location site;
  std::minstd_rand random;
  std::unique_ptr<JobMeters> meters;
  std::uint64_t run = 0;
  Loop::Clock::time_point began{};
  bool over = false;  // cancelled
};

Jobs::Jobs(Loop& loop) : Jobs(loop, Options{}) {}
Jobs::Jobs(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
Jobs::~Jobs() = default;

nanoseconds Jobs::add(JobOptions options, Body body, std::source_location site) {
  if (options.every <= nanoseconds(0)) refuse(options.name, "needs a period");
  const auto same_name = [&](const auto& job) { return job->options.name == options.name; };
  if (std::ranges::any_of(jobs_, same_name)) refuse(options.name, "was added already");
  const auto period = options.exact ? options.every : spreader_.spread(options.every);
  auto& job =
      jobs_.emplace_back(std::make_unique<Job>(std::move(options), std::move(body), period, site));
  if (options_.registry != nullptr) {
    job->meters = std::make_unique<JobMeters>(*options_.registry, job->options.name, period);
  }
  return period;
}

Task<> Jobs::run() {
  started_ = Loop::Clock::now();
  co_await open_scope([this](Scope& scope) -> Task<> {
    std::int64_t turn = 0;
    for (const auto& job : jobs_) {
      const auto period = job->schedule.period();
      const auto last = options_.last_runs != nullptr ? options_.last_runs->last(job->options.name)
                                                      : std::nullopt;
      if (last) {
        const auto ago = std::chrono::duration_cast<nanoseconds>(system_clock::now() - *last);
        job->schedule = JobSchedule(first_due_after(ago, period, ++turn), period);
      } else if (job->options.at_start) {
        job->schedule = JobSchedule(nanoseconds(0), period);
      }
      scope.start(keep_running(*job), job->site);
    }
    co_return;
  });
}

nanoseconds Jobs::since_start() const noexcept {
  return Loop::Clock::now() - started_;
}

Task<> Jobs::keep_running(Job& job) {
  while (!job.over) {
    auto wait = job.schedule.due() - since_start();
    if (job.options.jitter > nanoseconds(0)) {
      std::uniform_int_distribution<nanoseconds::rep> delay(0, job.options.jitter.count());
      wait += nanoseconds(delay(job.random));
    }
    if (auto slept = co_await sleep(wait, job.site); !slept) co_return;
    co_await run_once(job);
  }
}

Task<> Jobs::run_once(Job& job) {
  Holding held("job", job.site);
  held.acquire(loop_.holdings(), job.options.name.c_str());
  ++job.run;
  job.began = Loop::Clock::now();
  mark(job, JobMark::kStart);
  // Told when it happens, not afterwards: a run that never ends has no afterwards.
  Timer next_is_due(
      loop_,
      [&] {
        job.schedule.skip();
        mark(job, JobMark::kOverrun, nullptr, 1);
        next_is_due.arm(job.schedule.due() + job.schedule.period() - since_start());
      },
      job.site);
  next_is_due.arm(job.schedule.due() + job.schedule.period() - since_start());
  const auto outcome = co_await perform(job);
  next_is_due.cancel();
  // Those that a loop that hung could not count.
  const auto missed = job.schedule.ran(since_start());
  if (missed != 0) mark(job, JobMark::kOverrun, nullptr, missed);
  job.over = (co_await this_task()).interrupted() != 0;
  if (!outcome) {
    mark(job, JobMark::kFailed, &outcome.error());
  } else {
    mark(job, JobMark::kStop);
    keep(job);
  }
}

// The run itself, under its deadline; what it throws is its error.
Task<Result<void>> Jobs::perform(Job& job) {
  std::optional<Deadline> bound;
  if (job.options.deadline) {
    bound.emplace(co_await this_task(), *job.options.deadline, job.site);
  }
  std::string thrown = "an exception that is no std::exception";
  try {
    auto outcome = co_await job.body();
    // A body that did not look at what its waits said has not done what it was to do.
    if (outcome && bound && bound->expired()) {
      co_return fail("run job", job.options.name, ETIMEDOUT, "it met its deadline");
    }
    co_return outcome;
  } catch (const std::exception& exception) {
    thrown = exception.what();
  } catch (...) {  // said with the words above
  }
  co_return fail("run job", job.options.name, ECANCELED, "it threw: " + thrown);
}

void Jobs::keep(Job& job) {
  const auto now = system_clock::now();
  if (job.meters) {
    job.meters->last.set(std::chrono::duration<double>(now.time_since_epoch()).count());
  }
  if (options_.last_runs == nullptr) return;
  auto kept = options_.last_runs->ran(job.options.name, now);
  if (!kept) mark(job, JobMark::kNotKept, &kept.error());
}

void Jobs::mark(Job& job, JobMark mark, const Error* error, std::uint64_t left_out) {
  const nanoseconds took = Loop::Clock::now() - job.began;
  DTRACE_PROBE3(plumb, mark, job.options.name.c_str(), name_of(mark), job.run);
  if (job.meters) {
    auto& meters = *job.meters;
    const bool ended = mark == JobMark::kStop || mark == JobMark::kFailed;
    if (mark == JobMark::kStart || ended) meters.running.set(ended ? 0 : 1);
    if (ended) meters.duration.observe(took);
    if (mark == JobMark::kStop) meters.succeeded.add();
    if (mark == JobMark::kFailed) meters.failed.add();
    if (mark == JobMark::kOverrun) meters.overrun.add(left_out);
  }
  if (!options_.on_mark) return;
  options_.on_mark({.mark = mark,
                    .job = job.options.name,
                    .run = job.run,
                    .at = system_clock::now(),
                    .took = took,
                    .error = error,
                    .left_out = left_out});
}

}  // namespace plumb::runtime
