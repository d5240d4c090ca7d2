// SPDX-License-Identifier: Apache-2.0
// Measure: what is counted of a process at every look, descriptors by kind and some more.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "detect/model/joined.h"

namespace plumb::detect {

enum class Measure : std::uint8_t {
  kFirstKind = 0,  // + Kind
  kDescriptors = kKinds,
  kThreads,
  kChildren,       // that have not ended
  kZombies,        // children that have
  kCloseWait,      // connections that the peer has closed
  kUnlinked,       // files without a name, but for shared memory
  kWatches,        // of all inotify descriptors
  kUnread,         // TCP connections with bytes that nobody has read for a while
  kInFlight,       // descriptors in its unix sockets' queues that it does not receive
  kMappings,       // of memory
  kResidentPages,  // of 64 KiB, so that the noise of single pages is none
};
constexpr std::size_t kMeasures = static_cast<std::size_t>(Measure::kResidentPages) + 1;
constexpr std::uint64_t kResidentUnit = 64 << 10;

constexpr Measure measure_of(Kind kind) {
  return static_cast<Measure>(static_cast<std::uint8_t>(kind));
}
constexpr std::size_t place_of(Measure measure) {
  return static_cast<std::size_t>(measure);
}

using Counts = std::array<std::uint32_t, kMeasures>;

// Counts of every process of a survey, in its order.
std::vector<Counts> measure(const Joined& joined);

}  // namespace plumb::detect
