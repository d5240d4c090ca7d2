// SPDX-License-Identifier: Apache-2.0
// IoWait: an operation that is tried, and tried again whenever its descriptor may be ready, until
// it is done. The attempts run in the loop; the coroutine is resumed once, at the end. One read,
// the sending of ten megabytes and a whole conversation by callbacks (see frame_server.h) are the
// same kind of wait, which is why callbacks and coroutines cost the same.
#pragma once

#include <coroutine>
#include <cstdint>

#include "plumb/loop/descriptor.h"
#include "plumb/loop/loop.h"

namespace plumb::runtime {

enum class Step : std::uint8_t {
  kDone,   // resume the coroutine
  kRead,   // try again when the descriptor can be read
  kWrite,  // … written
  kAgain,  // … has let others run: this attempt has done its share
};

class IoWait : public TaskWait {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename P>
  bool await_suspend(std::coroutine_handle<P> handle) {
    return start(park(handle));
  }

 protected:
  // Does what can be done now. Not called again after kDone.
  virtual Step attempt() = 0;
  // The descriptor on which the operation waits.
  virtual Descriptor& descriptor() = 0;
  // Puts this where `step` will find it; on the descriptor, unless the operation knows better.
  virtual void wait_for(Step step);

  // Why the loop ended the operation before it was done: 0, ECANCELED, ETIMEDOUT, or what the
  // stream was closed with.
  int ended_early() const noexcept { return early_; }

 private:
  bool start(Context& context);
  bool proceed();
  void fire() override;

  int early_ = 0;
};

}  // namespace plumb::runtime
