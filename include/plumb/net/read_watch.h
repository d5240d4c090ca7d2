// SPDX-License-Identifier: Apache-2.0
// ReadWatch: a call when something has come on a connection on which nobody reads. A connection
// that rests, in a pool or with somebody who forgot it, is told by its peer's FIN that it is over;
// if nobody listens, it stays in CLOSE_WAIT for ever. Threads: those of the loop only.
#pragma once

#include "plumb/loop/wait.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

class ReadWatch : private Wait {
 public:
  // One call of on_readable() when bytes, the end or an error come, or the governor closes the
  // stream. What had come before was read, down to nothing (Stream::try_read).
  void watch(Stream& stream) noexcept;
  void unwatch() noexcept { unlink(); }

 protected:
  ~ReadWatch() override = default;

 private:
  virtual void on_readable() = 0;  // *this may be gone afterwards
  void fire() override { on_readable(); }
};

}  // namespace plumb::runtime
