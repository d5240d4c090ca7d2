// SPDX-License-Identifier: Apache-2.0
// Waking the waiters of an event.
#include "plumb/loop/event.h"

#include <cstdlib>

#include "plumb/loop/loop.h"

namespace plumb::runtime {

Event::~Event() {
  if (awaited()) std::abort();
}

void Event::set(Loop& loop) noexcept {
  set_ = true;
  while (wake_one(loop)) {
  }
}

bool Event::wake_one(Loop& loop) noexcept {
  if (waiters_.empty()) return false;
  waiters_.front().finish(loop, 0);
  return true;
}

bool Event::Awaiter::start(Context& context) noexcept {
  Loop& loop = context.loop();
  if (const int code = context.interrupted(); code != 0) {
    finish(loop, code);
  } else if (!event_.set_) {
    event_.waiters_.push_back(*this);
  } else if (loop.credit()) {
    unpark();
    return false;
  } else {
    finish(loop, 0);
  }
  return true;
}

Result<void> Event::Awaiter::await_resume() const {
  if (code() != 0) return fail("wait for an event", "", code());
  return {};
}

}  // namespace plumb::runtime
