// SPDX-License-Identifier: Apache-2.0
// Task<T>: a function that can wait. It starts when it is awaited or given to a Scope, never by
// itself, and there is no way to let it run without somebody who waits for its end: a task that
// nobody can lose is a task that cannot leak what it holds.
//
//   Task<Result<void>> echo(Stream stream) {
//     Buffer buffer = stream.buffer();
//     for (;;) {
//       const auto got = co_await stream.read(buffer);
//       if (!got) co_return got.error();
//       if (*got == 0) co_return Result<void>();  // the peer has finished
//       if (auto sent = co_await stream.write(buffer.bytes()); !sent) co_return sent;
//       buffer.clear();
//     }
//   }
//
// Ownership: a Task owns its coroutine; a task that is dropped before its start never runs.
// Parameters are taken by value, as they live in the coroutine; a reference must outlive it.
// Exceptions travel to the awaiting task. g++ 12 copies an aggregate or a closure that is a
// temporary of a co_await expression byte by byte and destroys it twice: plumb's structs of options
// are trivially copyable, and a lambda that captures more than numbers and references by value is
// given a name first (kAwaitable refuses it otherwise); your own types need the same care. Threads:
// a task runs on its loop's thread.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "plumb/loop/context.h"

namespace plumb::runtime {

template <typename T = void>
class Task;

// Whether a callable, deduced as Call&&, may stand in a co_await expression as it is given.
template <typename Call>
inline constexpr bool kAwaitable =
    std::is_lvalue_reference_v<Call> || std::is_trivially_copyable_v<Call>;

struct PromiseBase {
  Context* context = nullptr;
  std::coroutine_handle<> parent;  // who awaits; none: the outermost coroutine of a started task
  bool starting = false;           // the awaiting coroutine is still on the stack, below this one

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (promise.starting) {  // ended without a wait: the parent goes on by itself
        promise.starting = false;
        return std::noop_coroutine();
      }
      if (promise.parent) return promise.parent;
      promise.context->finished();
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() const noexcept { return {}; }
};

template <typename T>
struct Promise : PromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> outcome;

  inline Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& value) {
    outcome.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() noexcept { outcome.template emplace<2>(std::current_exception()); }
  T take() {
    if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
    return std::move(std::get<1>(outcome));
  }
};

template <>
struct Promise<void> : PromiseBase {
  std::exception_ptr exception;

  inline Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<T>;
  using value_type = T;

  Task() noexcept = default;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    // Runs the task on the caller's stack until its first wait. A task that needed none does not
    // suspend its parent, so a loop of a million such awaits uses no stack, even where the compiler
    // makes no tail calls (-O0, sanitizers).
    template <typename Parent>
    bool await_suspend(std::coroutine_handle<Parent> parent) {
      PromiseBase& promise = handle_.promise();
      promise.context = parent.promise().context;
      promise.parent = parent;
      promise.starting = true;
      handle_.resume();
      if (!promise.starting) return false;
      promise.starting = false;
      return true;
    }
    T await_resume() { return handle_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  Awaiter operator co_await() const noexcept {
    assert(handle_ && !handle_.done());
    return Awaiter(handle_);
  }

 private:
  friend class Scope;
  friend class Loop;
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, {}); }

  std::coroutine_handle<promise_type> handle_;
};

template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// The context of the task that awaits it: `Context& context = co_await this_task();`
class this_task {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    context_ = handle.promise().context;
    return false;
  }
  Context& await_resume() const noexcept { return *context_; }

 private:
  Context* context_ = nullptr;
};

}  // namespace plumb::runtime
