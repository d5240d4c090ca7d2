// SPDX-License-Identifier: Apache-2.0
// Probes on functions of user programs, for the kinds that have no hook in the kernel. Attached to
// files, for every process that has them mapped now or later: one that is no target pays a trap
// (about 5 us) and nothing else. Those on allocation functions are of one process alone. They go
// with this object, also when plumb dies.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/record/heap_place.h"
#include "detect/record/kind.h"
#include "detect/record/pair.h"
#include "detect/source/bpf_support.h"
#include "plumb/base/result.h"
#include "trace.skel.h"

namespace plumb::detect {

class PairProbes {
 public:
  // The skeleton must outlive it.
  explicit PairProbes(trace_bpf& skeleton) : skeleton_(skeleton) {}

  // Errors: ENOENT, EINVAL where the kernel refuses a place; EPERM.
  Result<void> watch(const PairPlace& place);
  // The probes plumb:acquire and plumb:release of a file that has them. Errors: as above.
  Result<void> watch_own(const std::string& path);

  // The functions of the heap sampler in its file; an allocation function of one process. Errors:
  // as above, ESRCH.
  Result<void> watch_sampler(const std::string& path);
  Result<void> watch_heap(const HeapPlace& place);

  // The kinds that programs have told of, by the names that they gave them.
  std::map<Kind, std::string> told() const;

 private:
  trace_bpf& skeleton_;
  std::vector<BpfLink> links_;
};

}  // namespace plumb::detect
