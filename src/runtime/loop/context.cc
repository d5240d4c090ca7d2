// SPDX-License-Identifier: Apache-2.0
// How interruptions reach a task's wait, and how its end reaches the loop.
#include "plumb/loop/context.h"

#include "plumb/loop/loop.h"

namespace plumb::runtime {

void Wait::finish(Loop& loop, int code) noexcept {
  if (finished_) return;
  finished_ = true;
  code_ = code;
  loop.ready_.push_back(*this);
}

void Context::cancel(int code) noexcept {
  if (own_.cancelled == 0) own_.cancelled = code;
  if (interrupts_ == &own_) interrupt();
}

void Context::interrupt() noexcept {
  const int code = interrupted();
  if (code != 0 && waiting_ != nullptr) waiting_->interrupt(loop_, code);
}

// The frame is still on the stack: it is destroyed from the top of the loop.
void Context::finished() noexcept {
  loop_.ended_.push_back(*this);
}

}  // namespace plumb::runtime
