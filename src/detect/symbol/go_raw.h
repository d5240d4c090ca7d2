// SPDX-License-Identifier: Apache-2.0
// The bytes of a runtime.g taken apart, and whether they can be one. Pure; every number is
// untrusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "detect/record/goroutine.h"
#include "detect/symbol/go_layout.h"
#include "detect/symbol/go_stack.h"

namespace plumb::detect {

struct RawGoroutine {
  Address stack_lo{}, stack_hi{};
  Address m{};
  Address sp{}, pc{}, bp{};
  Address syscall_sp{}, syscall_pc{};
  std::uint32_t status = 0;
  std::uint64_t id = 0;
  std::int64_t wait_since = 0;  // CLOCK_MONOTONIC in ns; 0: not stamped
  std::uint8_t wait_reason = 0;
  Address locked_m{};
  std::optional<std::uint64_t> parent;
  Address go_pc{}, start_pc{};

  GoroutineState state() const;
  // Where its stack is to be walked from.
  Address walk_pc() const { return in_call() ? syscall_pc : pc; }
  Address walk_sp() const { return in_call() ? syscall_sp : sp; }
  // Whether what is walked lies in memory: not for one that runs.
  bool parked() const;
  // That the goroutine has not moved between the two readings.
  bool same_place(const RawGoroutine& later) const;

 private:
  bool in_call() const { return number(syscall_sp) != 0; }
};

// Nothing where `bytes` are too few.
std::optional<RawGoroutine> decode_goroutine(std::span<const std::byte> bytes,
                                             const GoLayout& layout);

// kNo only for what no goroutine can be; kIdle for dead ones and ones about to be, of which nothing
// can be said.
enum class Plausible : std::uint8_t { kNo, kIdle, kYes };
Plausible judge(const RawGoroutine& raw, GoCode& code);

}  // namespace plumb::detect
