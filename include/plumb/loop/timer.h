// SPDX-License-Identifier: Apache-2.0
// Time for tasks and callbacks: sleep, deadlines that reach every wait, a shield for cleaning up,
// and a plain timer. Resolution is one millisecond; nothing fires early. The clock is monotonic and
// stands still while the machine is suspended.
// Threads: those of the loop only.
#pragma once

#include <chrono>
#include <functional>
#include <source_location>
#include <utility>

#include "plumb/base/result.h"
#include "plumb/loop/task.h"
#include "plumb/loop/timer_wheel.h"

namespace plumb::runtime {

// co_await sleep(5s): Result<void>; fails with ECANCELED or ETIMEDOUT when something ends it early.
class [[nodiscard]] sleep : public TaskWait, private WheelTimer {
 public:
  explicit sleep(std::chrono::nanoseconds duration,
                 std::source_location site = std::source_location::current()) noexcept
      : WheelTimer(site), duration_(duration) {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    start(park(handle));
    return true;
  }
  Result<void> await_resume() const;
  void interrupt(Loop& loop, int code) noexcept override;

 private:
  void start(Context& context) noexcept;
  void expire() noexcept override;
  std::chrono::nanoseconds duration_;
};

// Lets every other ready wait of the loop go first.
inline sleep yield() noexcept {
  return sleep(std::chrono::nanoseconds(0));
}

// While it lives, every wait of its task that lasts beyond the deadline, or begins after it, fails
// with ETIMEDOUT. Made in the task that it bounds, and kept there:
//
//   auto bound = co_await deadline(30s);
//   auto head = co_await read_head(stream);   // 30 s for all of it, however many reads it takes
//
// Deadlines nest; the shortest wins while it lives. Costs no memory but its own and about
// 50 ns, half of it the clock (bench/results/cost.txt).
class [[nodiscard]] Deadline : private WheelTimer {
 public:
  Deadline(Context& context, std::chrono::nanoseconds delay,
           std::source_location site = std::source_location::current()) noexcept;
  ~Deadline();
  bool expired() const noexcept { return expired_; }
  // Starts anew, `delay` from now: for a time limit on each step of a long conversation.
  void extend(std::chrono::nanoseconds delay) noexcept;

 private:
  void expire() noexcept override;
  Context& context_;
  Interrupts* level_;
  bool expired_ = false;
};

// While it lives, a cancellation of its task, or a deadline from outside, is kept from the waits;
// they have `limit` altogether, then fail with ETIMEDOUT. For what must be said at the end: a last
// frame, TLS's close_notify. What was held back takes effect when the shield ends.
class [[nodiscard]] Shield {
 public:
  Shield(Context& context, std::chrono::nanoseconds limit,
         std::source_location site = std::source_location::current()) noexcept;
  ~Shield();
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;

 private:
  Context& context_;
  Interrupts own_;
  Interrupts* outer_;
  Deadline limit_;
};

// The awaitables that make the two guards: they know the awaiting task.
template <typename Guard>
class [[nodiscard]] GuardMaker {
 public:
  explicit GuardMaker(std::chrono::nanoseconds duration,
                      std::source_location site = std::source_location::current()) noexcept
      : duration_(duration), site_(site) {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    context_ = handle.promise().context;
    return false;
  }
  Guard await_resume() const noexcept { return Guard(*context_, duration_, site_); }

 private:
  std::chrono::nanoseconds duration_;
  std::source_location site_;
  Context* context_ = nullptr;
};
using deadline = GuardMaker<Deadline>;
using shield = GuardMaker<Shield>;

// Awaits `task` for at most `limit`; its waits then fail with ETIMEDOUT.
template <typename T>
Task<T> within(std::chrono::nanoseconds limit, Task<T> task,
               std::source_location site = std::source_location::current()) {
  const auto bound = co_await deadline(limit, site);
  co_return co_await std::move(task);
}

// A callback at a time. Cancelled by its end. The callback may arm it again.
class Timer : private WheelTimer {
 public:
  Timer(Loop& loop, std::function<void()> callback,
        std::source_location site = std::source_location::current())
      : WheelTimer(site), loop_(loop), callback_(std::move(callback)) {}
  void arm(std::chrono::nanoseconds delay) noexcept;
  void cancel() noexcept;
  using WheelTimer::armed;

 private:
  void expire() noexcept override { callback_(); }
  Loop& loop_;
  std::function<void()> callback_;
};

}  // namespace plumb::runtime
