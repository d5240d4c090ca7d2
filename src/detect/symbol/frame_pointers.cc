// SPDX-License-Identifier: Apache-2.0
// The share of code that keeps a frame pointer.
#include "detect/symbol/frame_pointers.h"

namespace plumb::detect {

bool keeps_frame_pointers(std::span<const FunctionShape> functions) noexcept {
  // The start-up code that every program gets from the C library is not the build's own: functions
  // under 32 bytes are left out, and a build with fewer than 3 others is not judged.
  constexpr std::uint64_t kSmallest = 32;
  constexpr std::size_t kFewest = 3;
  // Bytes are capped so that one huge assembler routine does not decide.
  constexpr std::uint64_t kMostWeight = 4096;
  std::size_t judged = 0;
  std::uint64_t with = 0;
  std::uint64_t all = 0;
  for (const FunctionShape& function : functions) {
    if (!function.pushes || function.computed || function.size < kSmallest) continue;
    const std::uint64_t weight = function.size < kMostWeight ? function.size : kMostWeight;
    ++judged;
    all += weight;
    if (function.frame_pointer) with += weight;
  }
  return judged >= kFewest && with * 100 >= all * 95;
}

}  // namespace plumb::detect
