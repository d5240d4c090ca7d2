// SPDX-License-Identifier: Apache-2.0
// The frames of a stack as elements of a JSON list; the same fields wherever a record has a stack.
#pragma once

#include "detect/record/frame.h"
#include "detect/record/stack_store.h"
#include "detect/report/json_writer.h"

namespace plumb::detect {

// {"language":"go","function":…}; what is unknown is left out. `own`: see own_frame.h.
void add_frame(JsonWriter& json, const Frame& frame, bool own = false);

// Innermost first. The caller opens and closes the list.
void add_frames(JsonWriter& json, const StackStore& stacks, StackNode stack);

}  // namespace plumb::detect
