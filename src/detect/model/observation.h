// SPDX-License-Identifier: Apache-2.0
// Observation: what repeated surveys have shown of each process, so that what moves can be told
// from what stands still. Keeps counts and the little that tells whether something lasted; not the
// surveys themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/measure.h"
#include "detect/model/shape.h"

namespace plumb::detect {

// A socket in more than one survey: its id alone may be another's by then.
struct SocketKey {
  SocketId id{};
  std::uint64_t inode = 0;
  friend auto operator<=>(const SocketKey&, const SocketKey&) = default;
};

// What was seen of a process over all looks at it.
struct Tracked {
  std::uint32_t first_look = 0;
  std::uint32_t looks = 0;    // at which it was there, in a row
  std::uint32_t running = 0;  // of them, with its leader running or waiting for a processor
  std::uint32_t slept = 0;    // of them, before which its leader had gone to sleep since the last
  std::optional<std::uint64_t> sleeps;  // at the last look, see Process::sleeps
  std::uint32_t same_wait = 0;  // for how many looks up to the last its leader waits in one call
  std::optional<BlockingCall> wait;
  Counts counts{};  // at the last look
  struct Change {
    std::uint32_t look = 0;
    std::uint32_t count = 0;
  };
  std::map<Measure, std::vector<Change>> changes;  // the first value, and each other one since
};

// What was seen of a listening socket.
struct TrackedListener {
  std::uint32_t looks = 0;
  std::uint32_t looks_with_queue = 0;
  std::uint32_t looks_full = 0;
  std::uint32_t least = 0;  // waiting connections
  std::uint32_t most = 0;
  std::uint32_t newcomers =
      0;  // connections at its port that somebody holds and nobody held before
};

// Threads: one at a time. Memory: a changed count costs 8 bytes; 1,000 quiet processes 200 KiB.
class Observation {
 public:
  Observation() = default;
  // As it was when it was recorded; add() begins anew with whom it has not seen.
  Observation(std::vector<BootTime> times, std::map<ProcessKey, Tracked> processes,
              std::map<SocketKey, TrackedListener> listeners)
      : times_(std::move(times)),
        processes_(std::move(processes)),
        listeners_(std::move(listeners)) {}

  // Takes in one look. Surveys must come from one source, in the order of time.
  void add(const Joined& look);

  const std::vector<BootTime>& times() const { return times_; }
  std::chrono::nanoseconds span() const {
    return times_.empty() ? std::chrono::nanoseconds(0) : times_.back() - times_.front();
  }
  const Tracked* find(ProcessKey process) const;
  const TrackedListener* find(SocketKey listener) const;
  const std::map<ProcessKey, Tracked>& processes() const { return processes_; }
  const std::map<SocketKey, TrackedListener>& listeners() const { return listeners_; }

  // Forgets every second look, and who has ended: what goes on for hours needs no more room than
  // what goes on for minutes.
  void thin();

  // The counts at each look since the process was first seen.
  std::vector<SeriesPoint> series(const Tracked& tracked, Measure measure) const;
  // With the process's TCP connections as the load of its other descriptors.
  Trend trend(const Tracked& tracked, Measure measure, std::uint64_t least) const;

 private:
  void add_listeners(const Joined& look);

  std::vector<BootTime> times_;
  std::map<ProcessKey, Tracked> processes_;
  std::map<SocketKey, TrackedListener> listeners_;
  // Connections at listeners' ports at the last look: (namespace, port, key).
  using Connection = std::tuple<std::uint32_t, std::uint16_t, SocketKey>;
  std::vector<Connection> connections_;
};

}  // namespace plumb::detect
