// SPDX-License-Identifier: Apache-2.0
// The shared end of a loop's poster: a queue under a mutex and an eventfd that wakes the loop.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "plumb/base/unique_fd.h"
#include "plumb/loop/poster.h"

namespace plumb::runtime {

class Mailbox {
 public:
  explicit Mailbox(UniqueFd event) : event_(std::move(event)) {}

  bool put(std::unique_ptr<Posted> call);
  void request_stop() noexcept;

  struct Taken {
    std::vector<std::unique_ptr<Posted>> calls;
    bool stop = false;
  };
  Taken take();
  // Refuses calls from now on and destroys those that nobody took.
  void close();

  int event() const noexcept { return event_.get(); }

 private:
  void wake() noexcept;  // with mutex_ held

  std::mutex mutex_;
  UniqueFd event_;
  std::vector<std::unique_ptr<Posted>> calls_;
  bool woken_ = false;
  bool stop_ = false;
  bool closed_ = false;
};

}  // namespace plumb::runtime
