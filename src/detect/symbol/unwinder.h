// SPDX-License-Identifier: Apache-2.0
// Unwinder: from registers and a copy of the stack to the chain of return addresses, and why it
// ends where it ends. Everything it reads comes from the target and may be a lie: depth is bounded,
// the stack pointer must rise with every step, and no address outside executable memory becomes a
// frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/registers.h"
#include "detect/symbol/stack_copy.h"

namespace plumb::detect {

enum class UnwindEnd : std::uint8_t {
  kOutermost,  // the stack says itself that it has no caller: complete
  kStackCut,   // the caller is beyond the copied part of the stack
  kNoRule,     // nothing tells how to leave this code
  kCorrupt,    // the stack contradicts itself or leads out of executable memory
  kTooDeep,    // more frames than the bound
};

// "outermost", "stack cut", ...: the word that reports print.
std::string_view to_string(UnwindEnd end) noexcept;

enum class FoundBy : std::uint8_t { kRegisters, kUnwindTable, kGoTable, kFramePointer };

struct UnwoundFrame {
  Address ip{};  // a return address, except in the first frame and where a signal interrupted
  FoundBy found_by = FoundBy::kRegisters;
  bool interrupted = false;  // ip is the next instruction itself, not a return address
  // rbp, where the code is left by it for want of a table: V8's is such.
  std::optional<Address> bare_pointer = std::nullopt;

  // The address to look up: inside the calling instruction rather than behind it, which may already
  // be another line or another function.
  Address lookup() const noexcept { return interrupted ? ip : ip - 1; }
};

struct Unwound {
  std::vector<UnwoundFrame> frames;  // innermost first
  UnwindEnd end = UnwindEnd::kCorrupt;
};

class Unwinder {
 public:
  static constexpr std::size_t kMostFrames = 256;

  // `stack` is a copy of the target's memory from its rsp upwards. rip and rsp must be set; the
  // more callee-saved registers (rbx, rbp, r12 to r15) are, the more code can be left.
  Unwound unwind(ProcessView& process, const Registers& registers,
                 std::span<const std::byte> stack) const;
};

}  // namespace plumb::detect
