// SPDX-License-Identifier: Apache-2.0
// Wait chains: from a process through those that it waits for to those who should act.
//
// A process that waits in an event loop waits for all of its clients too. Where it was reached as
// the one that is waited for, these are not followed: what they send does not help whoever waits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/model/wait_graph.h"

namespace plumb::detect {

// Waits of one process that are alike: of several threads, or on several descriptors.
struct WaitLine {
  ThreadIndex thread{};        // the first of them
  Wait wait;                   // call: empty for one that is in no known call
  std::optional<Party> party;  // empty for one that runs, is stopped or has ended
  std::uint32_t threads = 1;
  std::uint32_t descriptors = 0;
  std::optional<std::chrono::nanoseconds> timeout;
};

// What leads on comes first, then what the process itself does, then what tells little.
std::vector<WaitLine> wait_lines(const WaitGraph& graph, ProcessIndex process);

// Whether a chain goes on through this wait of a process: always where it was the one asked about.
enum class Reached : std::uint8_t { kAsked, kByChain };
bool leads_on(const Party& party, Reached reached);

// Why a chain ends at a process.
enum class EndReason : std::uint8_t {
  kLocked,   // a ring of processes that can never go on
  kEnded,    // a zombie: its parent has to wait for it
  kStopped,  // by a signal
  kKernel,   // in an uninterruptible sleep
  kRuns,
  kSleeps,  // time alone
  kMutual,  // it waits for whoever waits for it, and for nobody else
  kDevice,
  kOutside,
  kClients,
  kSignal,
  kEvent,
  kThreads,  // on a futex or a pipe of its own
  kNobody,
  kUnseen,
  kUnknown,
};
std::string_view name_of(EndReason reason);
// "runs", "waits for another machine": what a sentence says of the process.
std::string_view sentence_of(EndReason reason);

struct ChainEnd {
  std::vector<ProcessIndex> way;  // from the one asked about to the one at the end
  EndReason reason = EndReason::kUnknown;
  std::vector<ProcessIndex> ring{};  // kLocked
};

// The ends of the chains that begin at a process, those first that say most; at most `limit`. One
// whose own wait leads nowhere is its own end.
std::vector<ChainEnd> chain_ends(const WaitGraph& graph, ProcessIndex process,
                                 std::size_t limit = 8);

// All processes of the chains that begin at these, themselves first, in the order of the walk.
std::vector<ProcessIndex> reached_from(const WaitGraph& graph,
                                       std::span<const ProcessIndex> processes);

// Where the chains of a whole machine begin: whoever waits for another and is not waited for by
// one; of a ring its lowest pid.
std::vector<ProcessIndex> chain_starts(const WaitGraph& graph);

}  // namespace plumb::detect
