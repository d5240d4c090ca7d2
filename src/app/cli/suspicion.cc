// SPDX-License-Identifier: Apache-2.0
// Judging by counts.
#include "app/cli/suspicion.h"

#include <algorithm>

namespace plumb::app {
namespace {

using namespace detect;

constexpr double kNearlyFull = 0.8;

// How far the lowest of the later half stands above the lowest of the earlier one.
std::uint64_t rise_of(const std::vector<SeriesPoint>& points) {
  if (points.size() < 4) return 0;
  const auto middle = points.begin() + static_cast<std::ptrdiff_t>(points.size() / 2);
  const auto lower = [](const SeriesPoint& a, const SeriesPoint& b) { return a.count < b.count; };
  const std::uint64_t before = std::min_element(points.begin(), middle, lower)->count;
  const std::uint64_t after = std::min_element(middle, points.end(), lower)->count;
  return after > before ? after - before : 0;
}

std::uint64_t suspicion_of(const Joined& now, const Observation& observation, ProcessIndex p) {
  const Tracked* tracked = observation.find(now.survey.processes[number(p)].key);
  if (tracked == nullptr) return 0;
  std::uint64_t most = 0;
  for (const auto& [measure, changes] : tracked->changes) {
    const bool memory = measure == Measure::kResidentPages || measure == Measure::kMappings;
    if (memory || changes.size() < 2) continue;
    most = std::max(most, rise_of(observation.series(*tracked, measure)));
  }
  if (now.tables.use_of(p).value_or(0) >= kNearlyFull) most += 1000;
  const auto rows = now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Socket* socket = now.survey.socket_of(now.survey.descriptors[d]);
    if (socket == nullptr || socket->state != SocketState::kListen) continue;
    const TrackedListener* listener = observation.find(SocketKey{socket->id, socket->inode});
    if (listener == nullptr || listener->looks < 2) continue;
    if (listener->looks_with_queue == listener->looks) most += 500;
  }
  return most;
}

// Twice, because a child's number may be lower than its parent's.
void add_descendants(const Survey& survey, std::set<Pid>& circle) {
  for (int again = 0; again < 2; ++again) {
    for (const Process& process : survey.processes) {
      if (circle.contains(process.parent)) circle.insert(process.key.pid);
    }
  }
}

void add_other_ends(const Joined& now, std::set<Pid>& circle) {
  std::set<Pid> peers;
  for (std::uint32_t p = 0; p < now.survey.processes.size(); ++p) {
    if (!circle.contains(now.survey.processes[p].key.pid)) continue;
    const auto rows = now.tables.rows_of(ProcessIndex{p});
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      for (const DescriptorIndex other : now.ends.of(DescriptorIndex{d}).holders) {
        peers.insert(now.holder(other).key.pid);
      }
    }
  }
  circle.merge(peers);
}

}  // namespace

std::set<Pid> circle_of(const Joined& now, const std::vector<Pid>& victims) {
  std::set<Pid> circle(victims.begin(), victims.end());
  add_descendants(now.survey, circle);
  add_other_ends(now, circle);
  add_other_ends(now, circle);
  return circle;
}

std::vector<Pid> suspicious(const Joined& first, const Joined& now, const Observation& observation,
                            Pid self, std::size_t most) {
  std::vector<std::pair<std::uint64_t, Pid>> found;
  for (std::uint32_t p = 0; p < now.survey.processes.size(); ++p) {
    const ProcessKey key = now.survey.processes[p].key;
    const auto before = find_process(first.survey, key.pid);
    if (!before || key.pid == self) continue;
    const std::uint64_t suspicion = suspicion_of(now, observation, ProcessIndex{p});
    if (suspicion > 0) found.emplace_back(suspicion, key.pid);
  }
  std::ranges::stable_sort(found, std::ranges::greater{},
                           [](const auto& one) { return one.first; });
  std::vector<Pid> pids;
  for (std::size_t f = 0; f < std::min(found.size(), most); ++f) pids.push_back(found[f].second);
  return pids;
}

}  // namespace plumb::app
