// SPDX-License-Identifier: Apache-2.0
// Putting and taking posted calls.
#include "mailbox.h"

#include <unistd.h>

#include <cstdint>

namespace plumb::runtime {

bool Poster::put(std::unique_ptr<Posted> call) const {
  return mailbox_->put(std::move(call));
}

bool Mailbox::put(std::unique_ptr<Posted> call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  calls_.push_back(std::move(call));
  wake();
  return true;
}

void Mailbox::request_stop() noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  stop_ = true;
  wake();
}

Mailbox::Taken Mailbox::take() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  // Fails only with EAGAIN, when a turn found the queue by itself; then nothing is to be reset.
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
  woken_ = false;
  return {std::exchange(calls_, {}), std::exchange(stop_, false)};
}

void Mailbox::close() {
  std::vector<std::unique_ptr<Posted>> unread;  // destroyed without the lock: they may post
  const std::lock_guard lock(mutex_);
  closed_ = true;
  unread.swap(calls_);
  event_.reset();
}

void Mailbox::wake() noexcept {
  if (std::exchange(woken_, true)) return;
  const std::uint64_t one = 1;
  // Cannot fail: one write per reset cannot overflow the counter.
  [[maybe_unused]] const ssize_t put = ::write(event_.get(), &one, sizeof one);
}

}  // namespace plumb::runtime
