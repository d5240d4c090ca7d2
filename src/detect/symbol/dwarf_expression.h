// SPDX-License-Identifier: Apache-2.0
// The part of DWARF's expression language (DWARF 5, section 2.5) that call frame information uses:
// PLT entries, realigned stacks, signal frames, hand-written assembler. Bounded: 64 operations and
// a stack of 64 values; branches count as operations, so nothing can loop.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "detect/symbol/registers.h"
#include "detect/symbol/stack_copy.h"

namespace plumb::detect {

// The value on top of the expression's stack when it ends. `pushed` is the value that it begins
// with (the CFA, for register rules). Nothing where an operation is unknown, a register is not
// known, or memory outside the copy is asked for.
std::optional<std::uint64_t> evaluate(std::span<const std::byte> expression,
                                      const Registers& registers, const StackCopy& stack,
                                      std::optional<std::uint64_t> pushed) noexcept;

}  // namespace plumb::detect
