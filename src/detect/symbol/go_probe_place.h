// SPDX-License-Identifier: Apache-2.0
// Where in a Go function a probe costs least, and whether one function's probe sees another's
// calls. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plumb::detect {

// Bytes from a function's first instruction to the jump of its stack check, where registers and
// stack are still as the caller left them. The kernel runs a conditional jump itself, while it
// steps the processor over the comparison before it, which is a second trap (branch_setup_xol_ops
// in arch/x86/kernel/uprobes.c). 0 where the function begins in another way.
std::uint64_t go_probe_place(std::span<const std::byte> code);

// Whether the code that stands at the address `at` has a direct call (call rel32) of `target`.
bool has_call(std::span<const std::byte> code, std::uint64_t at, std::uint64_t target);

}  // namespace plumb::detect
