// SPDX-License-Identifier: Apache-2.0
// ResourceLedger: user space's side of the ledger of what is no descriptor: which programs a trace
// needs for the kinds that were asked for, and reading and repairing the rows. One for all kinds.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "detect/source/bpf/trace_abi.h"
#include "detect/source/bpf_support.h"
#include "detect/source/trace_source.h"
#include "trace.skel.h"

namespace plumb::detect {

class ResourceLedger {
 public:
  // The skeleton must outlive it.
  explicit ResourceLedger(trace_bpf& skeleton) : skeleton_(skeleton) {}

  // Between open and load: of the programs named NAME__… only those of chosen kinds are loaded, and
  // where no kind is, the map has room for nothing.
  void choose(std::span<const Kind> kinds, std::uint32_t room);
  // After load. Programs whose places are found later (uprobes) are not attached here.
  Result<void> attach(std::vector<BpfLink>& links);

  // As TraceSource::reconcile() and read(): rows of `dead` tables go to visit.at_end and are
  // forgotten. With `began`, the time at which a survey began, rows older than that are checked.
  Result<void> visit(const TraceSource::Visit& visit, std::optional<BootTime> began);

  // As TraceSource::take_resources(), of the process whose table it is.
  Result<std::vector<LiveHolding>> take(TableId table);

  // Rows that a check found gone, and no hook had seen them go.
  std::uint64_t gone() const { return gone_; }

 private:
  struct Row {
    abi::trace_resource_key key;
    abi::trace_resource value;
  };
  Result<std::vector<Row>> rows() const;
  bool trim(const Row& row, std::uint64_t bytes, bool forget);
  void check(std::span<Row> rows, BootTime began);
  void adopt_children(std::span<Row> rows, const std::unordered_set<std::uint32_t>& dead);

  trace_bpf& skeleton_;
  bool any_ = false;
  bool children_ = false;
  std::uint64_t gone_ = 0;
};

}  // namespace plumb::detect
