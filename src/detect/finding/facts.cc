// SPDX-License-Identifier: Apache-2.0
// Looking up facts.
#include "detect/finding/facts.h"

#include <algorithm>

namespace plumb::detect {

std::optional<ProcessIndex> Facts::earlier(ProcessIndex p) const {
  const ProcessKey key = process(p).key;
  const auto found = find_process(first.survey, key.pid);
  if (!found || first.survey.processes[number(*found)].key != key) return std::nullopt;
  return found;
}

bool Facts::waits_all_along(ProcessIndex p) const {
  constexpr std::uint32_t kFewestLooks = 4;
  const Tracked* seen = tracked(p);
  return seen != nullptr && seen->looks >= kFewestLooks && seen->same_wait + 1 >= seen->looks;
}

bool Facts::traced(ProcessIndex p) const {
  if (trace == nullptr) return false;
  const Pid pid = process(p).key.pid;
  return std::ranges::any_of(trace->ledger.processes(),
                             [&](const auto& one) { return one.first.pid == pid; });
}

}  // namespace plumb::detect
