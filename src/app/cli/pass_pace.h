// SPDX-License-Identifier: Apache-2.0
// PassPace: when the next pass over a trace's ledger is due: five times a second, where that is
// cheap; at most a twentieth of the time.
#pragma once

#include <algorithm>
#include <chrono>

#include "plumb/base/clock.h"

namespace plumb::app {

class PassPace {
 public:
  void start(BootTime now) { next_ = now + kPass; }
  // What was done for a pass took from `began` to `done`.
  void passed(BootTime began, BootTime done) {
    next_ = done + std::max(kPass, (done - began) * kShare);
  }
  BootTime next() const { return next_; }

 private:
  static constexpr std::chrono::nanoseconds kPass = std::chrono::milliseconds(200);
  static constexpr int kShare = 20;

  BootTime next_{};
};

}  // namespace plumb::app
