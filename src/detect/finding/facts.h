// SPDX-License-Identifier: Apache-2.0
// Facts: all that findings are concluded from, and nothing else: the first and the last whole
// survey, what was counted between them, and what the trace of suspicious processes told.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "detect/model/exchange_ledger.h"
#include "detect/model/go_http_leaks.h"
#include "detect/model/goroutine_series.h"
#include "detect/model/joined.h"
#include "detect/model/mapping_growth.h"
#include "detect/model/observation.h"
#include "detect/model/trace_ledger.h"
#include "detect/model/tree.h"
#include "detect/record/mark.h"
#include "detect/record/rerun.h"
#include "detect/record/stack_store.h"

namespace plumb::detect {

struct Contested;

struct TraceFacts {
  const TraceLedger& ledger;
  const StackStore& stacks;
  TraceLosses losses;
  std::uint64_t unnamed_stacks = 0;
};

// HTTP that was captured of suspicious processes.
struct ExchangeFacts {
  const ExchangeLedger& ledger;
  std::vector<Exchange> exchanges;  // ended or under way, with their legs
};

// Requests of a Go process that hold a connection. The stacks of `leaks` stand in `stacks`.
struct GoHttpFacts {
  Pid process{};
  const GoHttpLeaks& leaks;
  const StackStore& stacks;
};

// The goroutines of a Go process, counted again and again.
struct GoroutineFacts {
  Pid process{};
  const GoroutineSeries& series;
};

// Where the newest threads of a process sleep.
struct ThreadStackFacts {
  Pid process{};
  std::vector<Frame> stack;   // that most of them share, innermost first
  std::uint64_t sampled = 0;  // threads that were looked at
  std::uint64_t alike = 0;    // of them, with this stack
};

struct PortRange {
  std::uint16_t first = 32768;  // of /proc/sys/net/ipv4/ip_local_port_range
  std::uint16_t last = 60999;
};

// Everything referred to must outlive it.
struct Facts {
  const Joined& first;
  const Joined& now;
  const std::vector<TreeNode>& tree;  // of `now`, the whole machine's
  const Observation& observation;
  const TraceFacts* trace = nullptr;          // nothing was traced
  const ExchangeFacts* http = nullptr;        // nothing was captured
  std::span<const GoHttpFacts> go_http = {};  // of the processes whose requests were watched
  std::span<const GoroutineFacts> goroutines = {};
  std::span<const MappingGrowth> mappings = {};    // of the processes whose memory maps were read
  std::span<const ThreadStackFacts> threads = {};  // of processes that have got more of them
  std::span<const Mark> marks = {};                // while it was observed, in any order
  std::span<const Refusals> refusals = {};         // of the traced processes
  const Rerun* rerun = nullptr;                    // of a stuck child's command
  // Of the trace; explain() works them out once, for the findings that tell of them.
  const std::vector<Contested>* contested = nullptr;
  PortRange ephemeral{};
  Pid self{};  // plumb itself, of which nothing is said

  std::chrono::nanoseconds observed() const { return now.survey.taken - first.survey.taken; }
  const Process& process(ProcessIndex p) const { return now.survey.processes[number(p)]; }
  const Tracked* tracked(ProcessIndex p) const { return observation.find(process(p).key); }
  // The same process in the first survey.
  std::optional<ProcessIndex> earlier(ProcessIndex p) const;
  // Whether its leader sleeps in one and the same call at every look, and there were some.
  bool waits_all_along(ProcessIndex p) const;
  // Whether the trace follows this process.
  bool traced(ProcessIndex p) const;
};

}  // namespace plumb::detect
