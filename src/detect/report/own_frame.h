// SPDX-License-Identifier: Apache-2.0
// Which frames of a stack are the traced program's own, and not those of libraries, of a language's
// runtime or of an interpreter: the lines that its author can change. A hint for the eye; nothing
// is left out of a stack for it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "detect/record/frame.h"

namespace plumb::detect {

// One flag a frame, innermost first as the frames.
std::vector<bool> own_frames(std::span<const Frame* const> stack);

// The frames that a stack is known by: its own ones, or where it has none the innermost that is not
// of the C library, nor of Go's packages for system calls. Indices into the stack.
std::vector<std::size_t> telling_frames(std::span<const Frame* const> stack);

// A function without what its overloads and instances differ in: "shop::Cache<…>::reload(…)".
std::string short_function(const Frame& frame);

}  // namespace plumb::detect
