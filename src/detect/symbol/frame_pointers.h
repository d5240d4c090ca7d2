// SPDX-License-Identifier: Apache-2.0
// Whether a build keeps frame pointers, judged by its own call frame information.
#pragma once

#include <span>

#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

// True when at least 95 % of the code in functions that touch the stack sets up rbp as a frame
// pointer. Leaf functions that push nothing say nothing, nor do PLT stubs. Of Debian's builds libc
// reaches 14 %, libstdc++ 8 %, curl, git, nginx, nvim, python3 and redis-server 0 %; node, which is
// built with frame pointers, 99 %.
bool keeps_frame_pointers(std::span<const FunctionShape> functions) noexcept;

}  // namespace plumb::detect
