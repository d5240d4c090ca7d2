// SPDX-License-Identifier: Apache-2.0
// The clock of everything that plumb sees: CLOCK_BOOTTIME, the one that the kernel stamps processes
// with and that goes on through suspend.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>

namespace plumb {

struct BootClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};

using BootTime = BootClock::time_point;

// The unit of a process's start time in /proc/PID/stat: USER_HZ, 100 on every Linux that runs C++.
using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 100>>;

}  // namespace plumb
