// SPDX-License-Identifier: Apache-2.0
// One step of unwinding: the caller's registers from this frame's, by each of the ways there are.
// Pure functions of registers, stack and rule.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/symbol/registers.h"
#include "detect/symbol/stack_copy.h"
#include "detect/symbol/unwind_table.h"
#include "detect/symbol/unwinder.h"

namespace plumb::detect {

struct Step {
  std::optional<UnwindEnd> end;  // set: there is no caller to go to, for this reason
  Registers caller;              // rip, rsp and what else is known
};

// By a rule of call frame information.
Step step_by_rule(const UnwindTable& table, const UnwindTable::Rule& rule,
                  const Registers& registers, const StackCopy& stack);

// By the frame pointer: rbp points at the saved rbp, above it the return address.
Step step_by_frame_pointer(const Registers& registers, const StackCopy& stack);

// By the height of the frame: the return address is `height` bytes above rsp, as .gopclntab tells.
Step step_by_height(std::uint64_t height, const Registers& registers, const StackCopy& stack);

}  // namespace plumb::detect
