// SPDX-License-Identifier: Apache-2.0
// Reading all goroutines of a process that runs on meanwhile. Each is read as structure, stack,
// structure; where it moved in between, all three are read again.
#pragma once

#include "detect/record/goroutine.h"
#include "detect/symbol/go_runtime.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Errors: ESRCH when the process ended meanwhile.
Result<GoroutineSnapshot> read_goroutines(GoRuntime& runtime);

}  // namespace plumb::detect
