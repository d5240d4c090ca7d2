// SPDX-License-Identifier: Apache-2.0
// Sleeps, deadlines and shields over the loop's timer wheel.
#include "plumb/loop/timer.h"

#include "plumb/loop/loop.h"

namespace plumb::runtime {

void sleep::start(Context& context) noexcept {
  Loop& loop = context.loop();
  if (const int code = context.interrupted(); code != 0) {
    finish(loop, code);
  } else if (duration_ <= std::chrono::nanoseconds(0)) {
    finish(loop, 0);
  } else {
    loop.wheel().arm(*this, loop.tick_after(duration_));
  }
}

void sleep::expire() noexcept {
  finish(context().loop(), 0);
}

void sleep::interrupt(Loop& loop, int code) noexcept {
  loop.wheel().cancel(*this);
  finish(loop, code);
}

Result<void> sleep::await_resume() const {
  if (code() != 0) return fail("sleep", "", code());
  return {};
}

Deadline::Deadline(Context& context, std::chrono::nanoseconds delay,
                   std::source_location site) noexcept
    : WheelTimer(site), context_(context), level_(context.interrupts_) {
  Loop& loop = context.loop();
  loop.wheel().arm(*this, loop.tick_after(delay));
}

Deadline::~Deadline() {
  if (expired_) --level_->expired;
}

void Deadline::extend(std::chrono::nanoseconds delay) noexcept {
  if (std::exchange(expired_, false)) --level_->expired;
  Loop& loop = context_.loop();
  loop.wheel().arm(*this, loop.tick_after(delay));
}

void Deadline::expire() noexcept {
  expired_ = true;
  ++level_->expired;
  if (context_.interrupts_ == level_) context_.interrupt();
}

Shield::Shield(Context& context, std::chrono::nanoseconds limit, std::source_location site) noexcept
    : context_(context),
      outer_(std::exchange(context.interrupts_, &own_)),
      limit_(context, limit, site) {}

Shield::~Shield() {
  context_.interrupts_ = outer_;
}

void Timer::arm(std::chrono::nanoseconds delay) noexcept {
  loop_.wheel().arm(*this, loop_.tick_after(delay));
}

void Timer::cancel() noexcept {
  loop_.wheel().cancel(*this);
}

}  // namespace plumb::runtime
