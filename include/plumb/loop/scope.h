// SPDX-License-Identifier: Apache-2.0
// Scope: where tasks run side by side, and what they cannot outlive. The forgotten background job,
// the connection whose handler hangs after the server stopped, the goroutine nobody waits for: each
// is a task without an owner, so here there is none. A scope exists only inside open_scope(), and
// open_scope() returns only when every task of the scope has ended.
//
//   co_await open_scope([&](Scope& scope) -> Task<> {
//     scope.start(serve(listener));
//     scope.start([&]() -> Task<> { co_await report(listener); });
//     co_await signals.next();
//     scope.cancel();                 // every wait of every task below here says ECANCELED
//   });                               // and here all of them have returned
//
// What a task uses outlives the task: it stands outside open_scope(), or is moved into the task. A
// local of the body is neither, for the body may end first. That holds for closures too: a
// coroutine lambda keeps its captures in the closure, not in its frame. So a lambda is given to
// start() as it is, uncalled; the task then keeps the closure. To pass it arguments, capture them
// by value, or std::bind_front() them.
//
// A task that throws cancels the scope; the first exception leaves open_scope(). When the task that
// opened the scope is cancelled or meets a deadline while it waits here, so are the scope's tasks.
// Threads: those of the loop only.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "plumb/loop/task.h"

namespace plumb::runtime {

// What the end of a scope does with the tasks that still run.
enum class Ending { kJoin, kCancel };

class Scope {
 public:
  explicit Scope(Loop& loop) noexcept : loop_(loop) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();  // aborts if a task still runs: open_scope() has waited

  // Runs `task` until its first wait, now. In a cancelled scope it runs too, and its first wait
  // says ECANCELED: what it was given is cleaned up by itself.
  void start(Task<void> task, std::source_location site = std::source_location::current());

  // Runs call() -> Task<>, with `call` kept in the task: what it has captured by value lives as
  // long as the task does. Costs a coroutine frame more than a task does.
  template <typename Call>
  requires std::is_invocable_r_v<Task<void>, Call>
  void start(Call call, std::source_location site = std::source_location::current()) {
    start(keeping(std::move(call)), site);
  }

  // Ends the waits of all tasks, now and from now on, with `code`.
  void cancel(int code = ECANCELED) noexcept;
  bool cancelled() const noexcept { return cancelled_ != 0; }

  std::size_t running() const noexcept { return running_count_; }

  // Waits until all tasks started so far and meanwhile have ended. An interruption of the waiter
  // cancels them and goes on waiting. One waiter at a time.
  class Join : public TaskWait {
   public:
    explicit Join(Scope& scope) noexcept : scope_(scope) {}
    bool await_ready() const noexcept { return false; }
    template <typename P>
    bool await_suspend(std::coroutine_handle<P> handle) noexcept {
      return scope_.join_started(*this, park(handle));
    }
    void await_resume() const noexcept {}
    void interrupt(Loop& loop, int code) noexcept override;

   private:
    friend class Scope;
    void fire() override;
    Scope& scope_;
  };
  Join join() noexcept { return Join(*this); }

 private:
  friend class Loop;
  template <typename Body>
  friend auto run_scope(Ending ending, Body body) -> std::invoke_result_t<Body&, Scope&>;

  template <typename Call>
  static Task<void> keeping(Call call) {
    co_await std::move(call)();
  }

  bool join_started(Join& join, Context& waiter) noexcept;
  void reap(Context& context) noexcept;

  Loop& loop_;
  List<Context> running_;
  std::size_t running_count_ = 0;
  Join* joining_ = nullptr;
  int cancelled_ = 0;
  std::exception_ptr trouble_;
};

// Lives in open_scope().
template <typename Body>
auto run_scope(Ending ending, Body body) -> std::invoke_result_t<Body&, Scope&> {
  using T = typename std::invoke_result_t<Body&, Scope&>::value_type;
  Context& context = co_await this_task();
  Scope scope(context.loop());
  std::exception_ptr trouble;
  std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> value;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await body(scope);
    } else {
      value.emplace(co_await body(scope));
    }
  } catch (...) {
    trouble = std::current_exception();
  }
  if (trouble || ending == Ending::kCancel) scope.cancel();
  co_await scope.join();
  if (!trouble) trouble = scope.trouble_;
  if (trouble) std::rethrow_exception(trouble);
  if constexpr (!std::is_void_v<T>) co_return std::move(*value);
}

// Runs body(scope) -> Task<T>, then ends the scope. Gives what the body gave.
template <typename Body>
auto open_scope(Ending ending, Body&& body) {
  static_assert(kAwaitable<Body>, "name the lambda first, or capture by reference: see task.h");
  return run_scope(ending, std::decay_t<Body>(std::forward<Body>(body)));
}
template <typename Body>
auto open_scope(Body&& body) {
  return open_scope(Ending::kJoin, std::forward<Body>(body));
}

}  // namespace plumb::runtime
