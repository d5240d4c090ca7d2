// SPDX-License-Identifier: Apache-2.0
// Reads CLOCK_BOOTTIME.
#include "plumb/base/clock.h"

#include <time.h>

namespace plumb {

BootTime BootClock::now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail: the clock exists since Linux 2.6.39
  return BootTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace plumb
