// SPDX-License-Identifier: Apache-2.0
// Context: what all coroutines of one started task share: the loop, the scope that they cannot
// outlive, and what interrupts them. A chain of awaiting coroutines does one thing at a time, so a
// context has at most one wait, and to cancel a task costs one pointer, however deep its chain is.
//
// Threads: those of the loop only. Lifetime: from Scope::start() until the loop reaps the task.
#pragma once

#include <coroutine>
#include <exception>
#include <source_location>

#include "plumb/base/holding.h"
#include "plumb/loop/wait.h"

namespace plumb::runtime {

class Scope;

// Why waits of a context end before their time. A Shield puts a fresh one on top.
struct Interrupts {
  int cancelled = 0;     // errno of the cancellation, 0: none
  unsigned expired = 0;  // deadlines that have passed and whose guards still live

  int code() const noexcept { return cancelled != 0 ? cancelled : expired != 0 ? ETIMEDOUT : 0; }
};

class Context : public ListNode {
 public:
  Context(Loop& loop, Scope* scope, std::source_location site) noexcept
      : loop_(loop), scope_(scope), held_("task", site) {}

  Loop& loop() const noexcept { return loop_; }

  // What the next wait would be told at once: 0, ECANCELED or ETIMEDOUT.
  int interrupted() const noexcept { return interrupts_->code(); }
  void cancel(int code = ECANCELED) noexcept;

 private:
  friend class Loop;
  friend class Scope;
  friend class TaskWait;
  friend class Deadline;
  friend class Shield;
  friend struct PromiseBase;

  void finished() noexcept;  // by the promise of the task's outermost coroutine
  void interrupt() noexcept;

  Loop& loop_;
  Scope* scope_;
  Wait* waiting_ = nullptr;
  Interrupts own_;
  Interrupts* interrupts_ = &own_;
  std::coroutine_handle<> root_;
  Holding held_;
};

// A wait of a coroutine: the base of every awaiter of the runtime.
class TaskWait : public Wait {
 protected:
  template <typename Promise>
  Context& park(std::coroutine_handle<Promise> handle) noexcept {
    handle_ = handle;
    context_ = handle.promise().context;
    context_->waiting_ = this;
    return *context_;
  }
  // The coroutine goes on without having been suspended.
  void unpark() noexcept { context_->waiting_ = nullptr; }

  Context& context() const noexcept { return *context_; }

  void fire() override {
    context_->waiting_ = nullptr;
    handle_.resume();
  }

 private:
  std::coroutine_handle<> handle_;
  Context* context_ = nullptr;
};

}  // namespace plumb::runtime
