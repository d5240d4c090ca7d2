// SPDX-License-Identifier: Apache-2.0
// Starting, cancelling, reaping and joining the tasks of a scope.
#include "plumb/loop/scope.h"

#include <cstdlib>
#include <memory>

#include "plumb/loop/loop.h"

namespace plumb::runtime {

Scope::~Scope() {
  if (running_count_ != 0) std::abort();
}

void Scope::start(Task<void> task, std::source_location site) {
  auto context = std::make_unique<Context>(loop_, this, site);
  const auto root = task.release();
  root.promise().context = context.get();
  context->root_ = root;
  context->own_.cancelled = cancelled_;
  context->held_.acquire(loop_.holdings_);
  running_.push_back(*context.release());  // reap() deletes it
  ++running_count_;
  ++loop_.tasks_;
  root.resume();
}

void Scope::cancel(int code) noexcept {
  if (cancelled_ == 0) cancelled_ = code;
  running_.for_each([&](Context& context) { context.cancel(cancelled_); });
}

void Scope::reap(Context& ended) noexcept {
  const std::unique_ptr<Context> context(&ended);
  const auto root = std::coroutine_handle<Promise<void>>::from_address(context->root_.address());
  if (auto exception = root.promise().exception; exception && !trouble_) {
    trouble_ = std::move(exception);
    cancel();
  }
  root.destroy();
  --loop_.tasks_;
  if (--running_count_ == 0 && joining_ != nullptr) joining_->finish(loop_, 0);
}

bool Scope::join_started(Join& join, Context& waiter) noexcept {
  if (running_count_ == 0) {
    join.unpark();
    return false;
  }
  if (joining_ != nullptr) std::abort();  // two waiters, of whom one would never be told
  joining_ = &join;
  if (const int code = waiter.interrupted(); code != 0) cancel(code);
  return true;
}

void Scope::Join::interrupt(Loop&, int code) noexcept {
  scope_.cancel(code);
}

void Scope::Join::fire() {
  scope_.joining_ = nullptr;
  TaskWait::fire();
}

}  // namespace plumb::runtime
