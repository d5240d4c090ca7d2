// SPDX-License-Identifier: Apache-2.0
// Grouping of goroutines.
#include "detect/model/goroutine_groups.h"

#include <algorithm>
#include <unordered_map>

namespace plumb::detect {
namespace {

void count_why(std::vector<GoroutineGroup::Why>& whys, const Goroutine& one) {
  const auto same = std::ranges::find_if(whys, [&](const GoroutineGroup::Why& why) {
    return why.state == one.state && why.reason == one.reason;
  });
  if (same != whys.end()) {
    ++same->count;
  } else {
    whys.push_back({one.state, one.reason, 1});
  }
}

void count_creator(std::vector<GoroutineGroup::Creator>& creators, StackNode creator) {
  const auto same = std::ranges::find(creators, creator, &GoroutineGroup::Creator::stack);
  if (same != creators.end()) {
    ++same->count;
  } else {
    creators.push_back({creator, 1});
  }
}

}  // namespace

std::vector<GoroutineGroup> group_goroutines(const GoroutineSnapshot& snapshot,
                                             SystemGoroutines system) {
  std::vector<GoroutineGroup> groups;
  std::unordered_map<std::uint64_t, std::size_t> known;
  for (std::uint32_t index = 0; index < snapshot.goroutines.size(); ++index) {
    const Goroutine& one = snapshot.goroutines[index];
    if (one.system && system == SystemGoroutines::kLeaveOut) continue;
    const auto key = std::uint64_t{number(one.stack)} << 8U | number(one.read);
    const auto [at, added] = known.try_emplace(key, groups.size());
    if (added) {
      groups.emplace_back();
      groups.back().stack = one.stack;
      groups.back().read = one.read;
    }
    GoroutineGroup& group = groups[at->second];
    group.members.push_back(index);
    count_why(group.whys, one);
    count_creator(group.creators, one.creator);
    if (!one.waited) continue;
    group.longest = std::max(group.longest.value_or(*one.waited), *one.waited);
    group.shortest = std::min(group.shortest.value_or(*one.waited), *one.waited);
  }
  std::ranges::stable_sort(groups, std::greater{},
                           [](const GoroutineGroup& group) { return group.members.size(); });
  for (GoroutineGroup& group : groups) {
    std::ranges::stable_sort(group.whys, std::greater{}, &GoroutineGroup::Why::count);
    std::ranges::stable_sort(group.creators, std::greater{}, &GoroutineGroup::Creator::count);
  }
  return groups;
}

}  // namespace plumb::detect
