// SPDX-License-Identifier: Apache-2.0
// Where in a Go function a probe costs least, and where a function calls another. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/symbol/go_table.h"

namespace plumb::detect {

// Bytes from a function's first instruction to the jump of its stack check, where registers and
// stack are still as the caller left them. The kernel runs a conditional jump itself, while it
// steps the processor over the comparison before it, which is a second trap (branch_setup_xol_ops
// in arch/x86/kernel/uprobes.c). 0 where the function begins in another way.
std::uint64_t go_probe_place(std::span<const std::byte> code);

// Offsets in `code`, the bytes of `function`, of what looks like a call of the function at
// `callee`.
std::vector<std::uint64_t> go_calls(const GoTable::Function& function,
                                    std::span<const std::byte> code, ElfAddress callee);

}  // namespace plumb::detect
