// SPDX-License-Identifier: Apache-2.0
// Event: one task tells others of its loop that something has come to be. set() before wait() is
// not lost, so "check, then wait" has no gap.
// Threads: those of the loop only; another thread posts a call that sets it.
#pragma once

#include "plumb/base/result.h"
#include "plumb/loop/task.h"

namespace plumb::runtime {

class Event {
 public:
  Event() = default;
  ~Event();  // aborts if somebody still waits: his wait would never end

  // Wakes all waiters; later waits return at once until reset().
  void set(Loop& loop) noexcept;
  void reset() noexcept { set_ = false; }
  // Wakes the one who has waited longest, if any; gives whether there was one.
  bool wake_one(Loop& loop) noexcept;
  bool is_set() const noexcept { return set_; }
  bool awaited() noexcept { return !waiters_.empty(); }

  // Result<void>; fails with ECANCELED or ETIMEDOUT.
  class Awaiter : public TaskWait {
   public:
    explicit Awaiter(Event& event) noexcept : event_(event) {}
    bool await_ready() const noexcept { return false; }
    template <typename P>
    bool await_suspend(std::coroutine_handle<P> handle) noexcept {
      return start(park(handle));
    }
    Result<void> await_resume() const;

   private:
    bool start(Context& context) noexcept;
    Event& event_;
  };
  Awaiter wait() noexcept { return Awaiter(*this); }

 private:
  List<Wait> waiters_;
  bool set_ = false;
};

}  // namespace plumb::runtime
