// SPDX-License-Identifier: Apache-2.0
// Loop: the reactor of one thread. It owns every descriptor, timer and task that it serves, and can
// say at any moment what it still owns; a server that has stopped and a loop that still holds
// something is a leak with a name.
//
//   auto loop = Loop::create();
//   if (!loop) return complain(loop.error());
//   return (*loop)->run(serve(**loop));   // until serve() and everything below it has ended
//
// There is no global loop: a task reaches its own through this_task(), everybody else is given it.
// Threads: a loop belongs to the thread that runs it. Only poster() and stop() may be used from
// others. Several loops share nothing but a DescriptorBudget.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "plumb/base/holding.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"
#include "plumb/loop/budget.h"
#include "plumb/loop/descriptor.h"
#include "plumb/loop/poster.h"
#include "plumb/loop/scope.h"
#include "plumb/loop/timer.h"
#include "plumb/loop/timer_wheel.h"

namespace plumb::runtime {

struct LoopOptions {
  DescriptorBudget* budget = nullptr;  // shared by the process's loops; none: one of its own
  HoldingsRegister* ledger = nullptr;  // told of this loop's holdings; must outlive it
  const char* name = "loop";           // of its shelf of holdings
};

// What a loop owns now. Equal before and after is what "nothing leaked" means.
struct Census {
  std::size_t descriptors = 0;  // attached, without the loop's own two
  std::size_t tasks = 0;        // started and not ended
  std::size_t timers = 0;       // armed

  friend bool operator==(const Census&, const Census&) = default;
};

// What a loop has done since its start; for metrics.
struct LoopCounters {
  std::uint64_t turns = 0;   // calls of epoll_wait
  std::uint64_t events = 0;  // descriptor events
  std::uint64_t fired = 0;   // waits resumed
  std::uint64_t posted = 0;  // calls from poster() and other threads
};

class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  // Longer delays are cut to this: a hundred years.
  static constexpr std::chrono::nanoseconds kForever = std::chrono::hours(24 * 365 * 100);

  // Errors: epoll_create1 and eventfd (EMFILE, ENFILE, ENOMEM).
  static Result<std::unique_ptr<Loop>> create(
      LoopOptions options = {}, std::source_location site = std::source_location::current());
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  // Everything that was attached must be gone; a loop that still owns something aborts, as its
  // owner would use it after its death.
  ~Loop();

  // Runs until `main` has ended, which ends after all that it started. Gives what `main` gave; an
  // exception leaves here. stop() cancels `main`. Errors are those of `main`.
  template <typename T>
  T run(Task<T> main, std::source_location site = std::source_location::current());

  // Runs callbacks until stop(). For programs without tasks.
  void run();

  // Ends run(): cancels the main task, or returns after this turn. From any thread.
  void stop() noexcept;

  // Turns once without waiting for anything that has not happened. For tests and foreign loops.
  void poll();

  Poster poster() const { return Poster(mailbox_); }

  // The time at the start of this turn.
  Clock::time_point now() const noexcept { return now_; }

  DescriptorBudget& budget() noexcept { return budget_; }
  // What it serves, by kind, age and line: its own two descriptors, those attached, tasks, armed
  // timers, and what others put here. From any thread.
  Holdings& holdings() noexcept { return holdings_; }
  Census census() const noexcept { return {descriptors_.size_, tasks_, wheel_.armed()}; }
  // How many attached descriptors are of `kind`.
  std::size_t count(DescriptorKind kind) const noexcept {
    return descriptors_.by_kind_[static_cast<std::size_t>(kind)];
  }
  // From any thread.
  LoopCounters counters() const noexcept {
    return {turns_.value(), events_.value(), fired_.value(), posted_.value()};
  }

  // For awaiters. A task whose calls never block must let others run: false after 64 waits in a row
  // that were no waits; the awaiter then finishes itself and is fired in the next turn.
  bool credit() noexcept { return credits_ != 0 && credits_-- != 0; }
  TimerWheel& wheel() noexcept { return wheel_; }
  // The first tick (millisecond) that is not before now() + `delay`; tasks never wake early.
  Tick tick_after(std::chrono::nanoseconds delay) const noexcept;

 private:
  friend class Wait;
  friend class Context;
  friend class Scope;
  friend class Descriptor;
  friend class Mailbox;
  // Counted by the loop's thread alone, read by any.
  class Tally {
   public:
    void add(std::uint64_t count) noexcept {
      value_.store(value() + count, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_{0};
  };
  struct Table {
    std::vector<Descriptor*> slots_;  // by descriptor number
    std::size_t size_ = 0;
    std::array<std::size_t, 6> by_kind_{};
    std::uint32_t generation_ = 0;
  };

  Loop(UniqueFd epoll, std::shared_ptr<Mailbox> mailbox, std::unique_ptr<DescriptorBudget> own,
       DescriptorBudget& budget, const LoopOptions& options, std::source_location site);
  void turn(bool may_block);
  void read_events(int timeout_ms);
  void read_mail();
  void fire_ready() noexcept;
  void reap() noexcept;
  int timeout() const noexcept;
  void update_now() noexcept;
  void run_root(Task<void> main, std::source_location site);

  UniqueFd epoll_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<DescriptorBudget> own_budget_;
  DescriptorBudget& budget_;
  Clock::time_point start_;
  Clock::time_point now_;
  Holdings holdings_;
  Holding epoll_held_;
  Holding mailbox_held_;
  TimerWheel wheel_{0, &holdings_};
  List<Wait> ready_;
  List<Context> ended_;
  Table descriptors_;
  std::size_t tasks_ = 0;
  unsigned credits_ = 0;
  bool stopping_ = false;
  Scope* root_scope_ = nullptr;
  Tally turns_, events_, fired_, posted_;
};

template <typename T>
T Loop::run(Task<T> main, std::source_location site) {
  if constexpr (std::is_void_v<T>) {
    run_root(std::move(main), site);
  } else {
    std::optional<T> value;
    const auto keep = [](Task<T> task, std::optional<T>& slot) -> Task<void> {
      slot.emplace(co_await std::move(task));
    };
    run_root(keep(std::move(main), value), site);
    return std::move(*value);
  }
}

}  // namespace plumb::runtime
