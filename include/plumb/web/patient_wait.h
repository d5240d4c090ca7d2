// SPDX-License-Identifier: Apache-2.0
// PatientWait: an operation on a stream whose patience is bounded: when the peer lets it wait for
// longer than that at a stretch, it fails with ETIMEDOUT, and closing the connection is then the
// only right answer. An operation that never has to wait sets no timer.
#pragma once

#include <chrono>
#include <optional>
#include <source_location>

#include "plumb/loop/timer.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

class PatientWait : public StreamWait {
 public:
  PatientWait(StreamCore& core, std::chrono::nanoseconds patience) noexcept
      : StreamWait(core), patience_(patience) {}

 protected:
  // The peer did something: its time begins anew.
  void progressed() noexcept {
    if (timer_) timer_->extend(patience_);
  }
  // The peer must now do another thing, for which it has another time.
  void be_patient(std::chrono::nanoseconds patience) noexcept {
    patience_ = patience;
    progressed();
  }

  void wait_for(Step step) override {
    if (!timer_) timer_.emplace(context(), patience_, std::source_location::current());
    StreamWait::wait_for(step);
  }

 private:
  std::chrono::nanoseconds patience_;
  std::optional<Deadline> timer_;
};

}  // namespace plumb::runtime
