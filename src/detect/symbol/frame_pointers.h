// SPDX-License-Identifier: Apache-2.0
// Whether a build keeps frame pointers, judged by its own call frame information.
#pragma once

#include <span>

#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

// True when at least 95 % of the code in functions that touch the stack sets up rbp as a frame
// pointer. Leaf functions that push nothing say nothing. Debian's builds reach 1 to 3 % (functions
// with alloca or a realigned stack); builds with -fno-omit-frame-pointer 98 to 100 %, the rest
// being functions that gcc shrink-wrapped and assembler.
bool keeps_frame_pointers(std::span<const FunctionShape> functions) noexcept;

}  // namespace plumb::detect
