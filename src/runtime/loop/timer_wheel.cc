// SPDX-License-Identifier: Apache-2.0
// Filing, refiling and expiry of the timer wheel.
#include "plumb/loop/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace plumb::runtime {

void TimerWheel::arm(WheelTimer& timer, Tick due) noexcept {
  if (timer.wheel_ != nullptr) {
    drop_from_slot(timer);
  } else {
    timer.wheel_ = this;
    ++armed_;
    if (holdings_ != nullptr) timer.held_.acquire(*holdings_);
  }
  timer.due_ = std::max(due, now_ + 1);
  file(timer);
}

void TimerWheel::cancel(WheelTimer& timer) noexcept {
  if (timer.wheel_ == nullptr) return;
  drop_from_slot(timer);
  timer.wheel_ = nullptr;
  --armed_;
  timer.held_.release();
}

// A timer stands at the level of the highest bit in which its due tick differs from now: there,
// and only there, its slot is ahead of the wheel's hand and comes around before the tick is past.
void TimerWheel::file(WheelTimer& timer) noexcept {
  const Tick differs = (timer.due_ ^ now_) | 1;
  const auto level = static_cast<unsigned>(std::bit_width(differs) - 1) / kBits;
  if (level >= kLevels) {
    timer.slot_ = kLevels * kSlots;
    return far_.push_back(timer);
  }
  const auto slot = static_cast<unsigned>(timer.due_ >> (level * kBits)) & (kSlots - 1);
  slots_[level][slot].push_back(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
  timer.slot_ = static_cast<std::uint16_t>(level * kSlots + slot);
}

void TimerWheel::drop_from_slot(WheelTimer& timer) noexcept {
  timer.unlink();
  const unsigned level = timer.slot_ / kSlots;
  const unsigned slot = timer.slot_ % kSlots;
  if (level < kLevels && slots_[level][slot].empty()) {
    occupied_[level] &= ~(std::uint64_t{1} << slot);
  }
}

void TimerWheel::refile(unsigned level, unsigned slot) noexcept {
  List<WheelTimer> moving;
  if (level == kLevels) {
    moving.take_all(far_);
  } else {
    moving.take_all(slots_[level][slot]);
    occupied_[level] &= ~(std::uint64_t{1} << slot);
  }
  while (!moving.empty()) file(moving.pop_front());
}

// Expires what is due at `tick`. The hand must not have passed an occupied slot on the way.
void TimerWheel::step_to(Tick tick) noexcept {
  now_ = tick;
  for (unsigned level = kLevels; level > 0; --level) {
    const Tick below = (Tick{1} << (level * kBits)) - 1;
    if ((tick & below) != 0) continue;
    refile(level, static_cast<unsigned>(tick >> (level * kBits)) & (kSlots - 1));
  }
  const auto slot = static_cast<unsigned>(tick) & (kSlots - 1);
  List<WheelTimer>& due = slots_[0][slot];
  // A callback may arm timers, but only for later ticks, so none of them lands in this slot's turn
  // before it is empty; and it may cancel any that is still here.
  while (!due.empty()) {
    WheelTimer& timer = due.front();
    cancel(timer);
    timer.expire();
  }
}

void TimerWheel::advance(Tick now) noexcept {
  while (armed_ != 0) {
    const auto tick = next();
    if (!tick || *tick > now) break;
    step_to(*tick);
  }
  // Timers that stand in coarse slots stay right: the hand stops before the next occupied one.
  now_ = std::max(now_, now);
}

std::optional<Tick> TimerWheel::next() const noexcept {
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const unsigned shift = level * kBits;
    const auto hand = static_cast<unsigned>(now_ >> shift) & (kSlots - 1);
    // Slots behind the hand at this level belong to nobody: see file().
    const std::uint64_t ahead = occupied_[level] & (~std::uint64_t{0} << hand);
    if (ahead == 0) continue;
    const auto slot = static_cast<Tick>(std::countr_zero(ahead));
    const Tick base = now_ >> shift >> kBits << kBits;
    return (base | slot) << shift;
  }
  constexpr unsigned kReach = kLevels * kBits;
  if (!far_.empty()) return ((now_ >> kReach) + 1) << kReach;
  return std::nullopt;
}

}  // namespace plumb::runtime
