// SPDX-License-Identifier: Apache-2.0
// The frames of a stack as elements of a JSON list; the same fields wherever a record has a stack.
#pragma once

#include <span>

#include "detect/record/frame.h"
#include "detect/record/stack_store.h"
#include "detect/report/json_writer.h"

namespace plumb::detect {

// {"language":"go","function":…} for each frame, innermost first; what is unknown is left out, and
// "own" stands where own_frame.h says so. The caller opens and closes the list.
void add_frames(JsonWriter& json, std::span<const Frame> stack);
void add_frames(JsonWriter& json, const StackStore& stacks, StackNode stack);

}  // namespace plumb::detect
