// SPDX-License-Identifier: Apache-2.0
// Reading all goroutines of a process that runs on meanwhile. Each is read as structure, stack,
// structure; where it moved in between, all three are read again.
#pragma once

#include <span>
#include <string_view>

#include "detect/record/goroutine.h"
#include "detect/symbol/go_runtime.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Errors: ESRCH when the process ended meanwhile. `watched`: functions whose first argument is
// wanted, see Goroutine::call.
Result<GoroutineSnapshot> read_goroutines(GoRuntime& runtime,
                                          std::span<const std::string_view> watched = {});

}  // namespace plumb::detect
