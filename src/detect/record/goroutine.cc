// SPDX-License-Identifier: Apache-2.0
// The names of goroutine states.
#include "detect/record/goroutine.h"

namespace plumb::detect {

std::string_view name_of(GoroutineState state) {
  switch (state) {
    case GoroutineState::kIdle:
      return "idle";
    case GoroutineState::kRunnable:
      return "runnable";
    case GoroutineState::kRunning:
      return "running";
    case GoroutineState::kSyscall:
      return "syscall";
    case GoroutineState::kWaiting:
      return "waiting";
    case GoroutineState::kDead:
      return "dead";
    case GoroutineState::kCopyStack:
      return "copystack";
    case GoroutineState::kPreempted:
      return "preempted";
    case GoroutineState::kLeaked:
      return "leaked";
    case GoroutineState::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace plumb::detect
