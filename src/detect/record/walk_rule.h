// SPDX-License-Identifier: Apache-2.0
// WalkRule: how to get from one frame to its caller, in a form so small that the kernel can follow
// it: ip, sp and bp are all that it knows. Made from call frame information, used by the tracing
// programs; covers all but a handful of the call sites of real programs.
#pragma once

#include <cstdint>

namespace plumb::detect {

struct WalkRule {
  enum class Kind : std::uint8_t {
    kStack = 1,  // the frame ends at sp + cfa_offset
    kFrame,      // at bp + cfa_offset
    kDeref,      // at *(bp + cfa_offset): a realigned stack; the caller's bp is at bp + bp_offset
    kSignal,     // a signal frame: the registers are in the ucontext at sp
    kEnd,        // outermost
    kCut,        // only a full unwinder can leave this code
  };
  Kind kind = Kind::kEnd;
  std::int32_t cfa_offset = 0;
  std::int16_t bp_offset =
      0;              // where the caller's bp was saved, from the frame's end; 0: still in bp
  bool bare = false;  // no table knows the code: generated, or V8's builtins

  friend bool operator==(const WalkRule&, const WalkRule&) = default;
};

}  // namespace plumb::detect
