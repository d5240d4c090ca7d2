// SPDX-License-Identifier: Apache-2.0
// What the arguments of a blocking call point to. Pure but for the memory that is handed in, which
// belongs to a stranger: lengths are bounded here, and nothing in it is followed further.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "detect/record/process.h"
#include "detect/record/thread_wait.h"

namespace plumb::detect {

// A list of more descriptors than this is cut.
inline constexpr std::uint32_t kMostPolled = 8192;

// Fills the span from that address of the process. False where that cannot be read whole.
using ReadMemory = std::function<bool(std::uint64_t address, std::span<std::byte> into)>;

// The clocks, read once for a survey; nanoseconds since their epochs.
struct WaitClocks {
  std::chrono::nanoseconds realtime{};
  std::chrono::nanoseconds monotonic{};
  std::chrono::nanoseconds boot{};
};

// Whether the call's arguments lead to memory that read_wait_memory() reads.
bool points_to_memory(const BlockingCall& call);

// Reads the set, the timeout and the futex of the call into `wait`. What cannot be read stays
// unknown.
void read_wait_memory(const BlockingCall& call, const WaitClocks& clocks, const ReadMemory& read,
                      ThreadWait& wait);

}  // namespace plumb::detect
