// SPDX-License-Identifier: Apache-2.0
// JobSchedule: when one job is due. Pure: time is a number given, since the start of its jobs.
// Threads: none.
#pragma once

#include <chrono>
#include <cstdint>

namespace plumb::runtime {

class JobSchedule {
 public:
  using Time = std::chrono::nanoseconds;

  // First at `first`, then every `period` (> 0) from there, however long the runs take.
  constexpr JobSchedule(Time first, Time period) noexcept : due_(first), period_(period) {}

  constexpr Time due() const noexcept { return due_; }
  constexpr Time period() const noexcept { return period_; }

  // The run after the one that is due is left out.
  constexpr void skip() noexcept { due_ += period_; }

  // The run that was due has ended, or was left out, at `now`: the next is the first one due after
  // that. Gives how many were missed meanwhile.
  constexpr std::uint64_t ran(Time now) noexcept {
    due_ += period_;
    if (due_ > now) return 0;
    const auto missed = (now - due_) / period_ + 1;
    due_ += missed * period_;
    return static_cast<std::uint64_t>(missed);
  }

 private:
  Time due_;
  Time period_;
};

// When the first run is due of a job that last ran `ago`: as if it had run all the time; where that
// is over, `turn` hundredths of its period from now, so that jobs that all slept too long do not
// all begin at once.
constexpr JobSchedule::Time first_due_after(JobSchedule::Time ago, JobSchedule::Time period,
                                            std::int64_t turn) noexcept {
  if (ago < JobSchedule::Time(0)) return period;  // the wall clock was set back
  return ago < period ? period - ago : period / 100 * turn;
}

}  // namespace plumb::runtime
