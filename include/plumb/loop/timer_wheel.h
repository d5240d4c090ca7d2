// SPDX-License-Identifier: Apache-2.0
// TimerWheel: a million deadlines of which nearly all are cancelled before they come, because every
// read of every connection has one. A heap pays log n for each; a wheel pays a list link.
//
// Six levels of 64 slots, one tick at the bottom, 64 times coarser at each level above (Varghese
// and Lauck, 1987, scheme 7). A timer moves down a level when the wheel reaches its slot: at most
// five moves in a life, so it fires in its very tick. Beyond 2^36 ticks (two years of milliseconds)
// timers wait in a list that is filed again every 2^36 ticks. Pure: time is a number given.
// Threads: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "plumb/base/holding.h"
#include "plumb/loop/list.h"

namespace plumb::runtime {

using Tick = std::uint64_t;

// One deadline. Leaves its wheel when it dies.
class WheelTimer : public ListNode {
 public:
  explicit WheelTimer(std::source_location site = std::source_location::current()) noexcept
      : held_("timer", site) {}
  inline virtual ~WheelTimer();
  bool armed() const noexcept { return wheel_ != nullptr; }
  Tick due() const noexcept { return due_; }

 private:
  friend class TimerWheel;
  virtual void expire() noexcept = 0;  // called once, disarmed; may arm itself and others again

  class TimerWheel* wheel_ = nullptr;
  Tick due_ = 0;
  std::uint16_t slot_ = 0;
  Holding held_;  // while it is armed
};

class TimerWheel {
 public:
  // Armed timers stand on the shelf `holdings`, if any.
  explicit TimerWheel(Tick now, Holdings* holdings = nullptr) noexcept
      : now_(now), holdings_(holdings) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms `timer`, again if it was armed. A deadline that has passed fires at the next advance.
  void arm(WheelTimer& timer, Tick due) noexcept;
  void cancel(WheelTimer& timer) noexcept;

  // Moves time forward and expires what is due, in order of ticks.
  void advance(Tick now) noexcept;

  // When advance() must be called next at the latest; nothing when no timer is armed. May be
  // earlier than the first deadline (a slot of a coarse level must be refiled), never later.
  std::optional<Tick> next() const noexcept;

  std::size_t armed() const noexcept { return armed_; }
  Tick now() const noexcept { return now_; }

 private:
  static constexpr unsigned kLevels = 6;
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;

  void file(WheelTimer& timer) noexcept;
  void drop_from_slot(WheelTimer& timer) noexcept;
  void refile(unsigned level, unsigned slot) noexcept;
  void step_to(Tick tick) noexcept;

  std::array<std::array<List<WheelTimer>, kSlots>, kLevels> slots_;
  List<WheelTimer> far_;
  std::array<std::uint64_t, kLevels> occupied_{};  // bit s: slot s of the level is not empty
  Tick now_;
  Holdings* holdings_;
  std::size_t armed_ = 0;
};

WheelTimer::~WheelTimer() {
  if (wheel_ != nullptr) wheel_->cancel(*this);
}

}  // namespace plumb::runtime
