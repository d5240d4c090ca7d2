// SPDX-License-Identifier: Apache-2.0
// Counting goroutines by who has started them.
#include "detect/model/goroutine_series.h"

#include <utility>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostSites = 1000;

// The innermost frame of the go statement; nothing for those without one, as main.
std::optional<Frame> creator_of(const GoroutineSnapshot& snapshot, const Goroutine& one) {
  if (one.system || one.creator == StackStore::kEmpty) return std::nullopt;
  const auto frames = snapshot.stacks.frames(one.creator);
  if (frames.empty()) return std::nullopt;
  return snapshot.stacks.frame(frames.front());
}

std::string place_of(const Frame& frame) {
  return frame.function + ':' + std::to_string(frame.line.value_or(0));
}

}  // namespace

void GoroutineSeries::add(BootTime time, GoroutineSnapshot snapshot) {
  std::map<std::string, std::pair<Frame, std::uint64_t>> counts;
  for (const Goroutine& one : snapshot.goroutines) {
    if (const auto creator = creator_of(snapshot, one)) {
      auto& [frame, count] = counts[place_of(*creator)];
      if (count++ == 0) frame = *creator;
    }
  }
  for (const auto& [place, counted] : counts) {
    if (sites_.size() >= kMostSites && !sites_.contains(place)) continue;
    sites_[place].creator = counted.first;
  }
  for (auto& [place, site] : sites_) {
    const auto counted = counts.find(place);
    site.counts.push_back({time, counted == counts.end() ? 0 : counted->second.second});
  }
  last_ = std::move(snapshot);
}

std::vector<const Goroutine*> GoroutineSeries::members_of(const std::string& site) const {
  std::vector<const Goroutine*> members;
  if (!last_) return members;
  for (const Goroutine& one : last_->goroutines) {
    const auto creator = creator_of(*last_, one);
    if (creator && place_of(*creator) == site) members.push_back(&one);
  }
  return members;
}

}  // namespace plumb::detect
