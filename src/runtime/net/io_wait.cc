// SPDX-License-Identifier: Apache-2.0
// Trying an operation, waiting, trying again.
#include "plumb/net/io_wait.h"

namespace plumb::runtime {

bool IoWait::start(Context& context) {
  if (const int code = context.interrupted(); code != 0) {
    early_ = code;
    finish(context.loop(), code);
    return true;
  }
  if (!context.loop().credit()) {
    finish(context.loop(), 0);
    return true;
  }
  if (!proceed()) return true;
  unpark();
  return false;
}

void IoWait::fire() {
  early_ = code();
  if (early_ != 0 || proceed()) TaskWait::fire();
}

// True: the operation is over. False: it waits.
bool IoWait::proceed() {
  const Step step = attempt();
  if (step == Step::kDone) return true;
  renew();
  if (const int code = context().interrupted(); code != 0) {
    early_ = code;
    return true;
  }
  if (step == Step::kAgain) {
    finish(context().loop(), 0);
  } else {
    wait_for(step);
  }
  return false;
}

void IoWait::wait_for(Step step) {
  descriptor().await(step == Step::kWrite ? Direction::kWrite : Direction::kRead, *this);
}

}  // namespace plumb::runtime
