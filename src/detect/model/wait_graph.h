// SPDX-License-Identifier: Apache-2.0
// WaitGraph: who waits for whom. Each thread's wait leads to the parties that can end it; one of
// them suffices, and so does one thread for a process to go on. Whoever can never go on is locked:
// it waits, directly or not, for a ring of which nobody can move.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/model/wait.h"
#include "detect/model/wait_party.h"

namespace plumb::detect {

// One thread's wait. `parties` is empty for a thread that runs, or is not asleep in a known call.
struct ThreadParties {
  ThreadIndex thread{};
  ProcessIndex process{};
  Wait wait;
  std::vector<Party> parties;
  std::uint32_t cut = 0;  // descriptors that are not among the parties: there are too many
  std::optional<std::chrono::nanoseconds> timeout;  // as passed: how long at most
  TextRef kernel_function;
};

// Threads: immutable once made. The joined survey must outlive it; it should have been taken with
// SurveyRequest::waits. Cost: about 3 us a thread and 100 ns a watched descriptor.
class WaitGraph {
 public:
  explicit WaitGraph(const Joined& joined);

  const Joined& joined() const { return joined_; }
  // The threads of a process, its leader first where it lives.
  std::span<const ThreadParties> threads_of(ProcessIndex process) const;
  // Whether it can ever go on, as far as can be seen: what is unknown counts as yes.
  bool can_go_on(ProcessIndex process) const { return live_[number(process)]; }
  // The ring that keeps it from going on: each waits for the next one, the last for the first.
  // Empty where it can go on.
  std::vector<ProcessIndex> ring_of(ProcessIndex process) const;

 private:
  void settle_live();
  bool escapes(const ThreadParties& thread) const;

  const Joined& joined_;
  std::vector<ThreadParties> threads_;  // parallel to Survey::threads
  std::vector<bool> live_;              // by process
};

}  // namespace plumb::detect
