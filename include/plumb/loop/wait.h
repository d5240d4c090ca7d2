// SPDX-License-Identifier: Apache-2.0
// Wait: the one thing that a loop resumes. Whoever waits, a task or a callback, for whatever, a
// descriptor, a time, another task, stands in exactly one list as a Wait. That is how cancellation
// and deadlines reach every wait without asking it for a token: to end a wait is to move it from
// the list in which it stands to the loop's list of ready ones.
//
// A wait that is over is always resumed by the loop, from the top of its stack, never from within
// the call that ended it: nothing is re-entered. Threads: those of the loop only.
#pragma once

#include <cerrno>

#include "plumb/loop/list.h"

namespace plumb::runtime {

class Loop;

class Wait : public ListNode {
 public:
  virtual ~Wait() = default;

  // Ends the wait: `code` is 0 or the errno that the waiter is told. The loop fires it this turn or
  // the next. Ending it twice keeps the first code.
  void finish(Loop& loop, int code) noexcept;

  // A cancellation (ECANCELED) or a deadline (ETIMEDOUT) wants it to end. A wait that must not end
  // yet, as that for the tasks of a scope, passes the wish on instead.
  virtual void interrupt(Loop& loop, int code) noexcept { finish(loop, code); }

  int code() const noexcept { return code_; }
  bool finished() const noexcept { return finished_; }

 protected:
  // Makes the wait as new, so that it can stand in a list again.
  void renew() noexcept {
    code_ = 0;
    finished_ = false;
  }

 private:
  friend class Loop;
  virtual void fire() = 0;  // resumes the waiter; *this may be gone afterwards

  int code_ = 0;
  bool finished_ = false;
};

}  // namespace plumb::runtime
