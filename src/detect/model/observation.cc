// SPDX-License-Identifier: Apache-2.0
// Taking in looks.
#include "detect/model/observation.h"

#include <algorithm>

#include "detect/model/waiting.h"

namespace plumb::detect {
namespace {

bool equal(const std::optional<BlockingCall>& left, const BlockingCall* right) {
  if (!left || right == nullptr) return false;
  return left->number == right->number && left->args == right->args;
}

}  // namespace

const Tracked* Observation::find(ProcessKey process) const {
  const auto at = processes_.find(process);
  return at == processes_.end() ? nullptr : &at->second;
}

const TrackedListener* Observation::find(SocketKey listener) const {
  const auto at = listeners_.find(listener);
  return at == listeners_.end() ? nullptr : &at->second;
}

void Observation::add(const Joined& look) {
  const Survey& survey = look.survey;
  const auto now = static_cast<std::uint32_t>(times_.size());
  times_.push_back(survey.taken);
  const std::vector<Counts> all = measure(look);
  for (std::size_t p = 0; p < all.size(); ++p) {
    const Process& process = survey.processes[p];
    const auto [at, is_new] = processes_.try_emplace(process.key);
    Tracked& tracked = at->second;
    if (is_new) tracked.first_look = now;
    for (std::size_t m = 0; m < kMeasures; ++m) {
      if (all[p][m] == tracked.counts[m]) continue;
      auto& changes = tracked.changes[static_cast<Measure>(m)];
      changes.push_back({now, all[p][m]});
    }
    tracked.counts = all[p];
    ++tracked.looks;
    const BlockingCall* call = leader_call(survey, process);
    tracked.running += process.state == RunState{'R'};
    tracked.slept += tracked.sleeps && process.sleeps && *process.sleeps > *tracked.sleeps;
    tracked.sleeps = process.sleeps;
    tracked.same_wait = equal(tracked.wait, call) ? tracked.same_wait + 1 : call != nullptr;
    tracked.wait = call == nullptr ? std::nullopt : std::optional(*call);
  }
  add_listeners(look);
}

void Observation::thin() {
  const auto halved = [](std::uint32_t look) { return (look + 1) / 2; };
  const auto looks = static_cast<std::uint32_t>(times_.size());
  std::erase_if(processes_,
                [&](const auto& one) { return one.second.first_look + one.second.looks < looks; });
  for (std::uint32_t look = 0; 2 * look < looks; ++look) times_[look] = times_[2 * look];
  times_.resize(halved(looks));
  for (auto& [key, tracked] : processes_) {
    tracked.first_look = halved(tracked.first_look);
    tracked.looks = halved(looks) - tracked.first_look;
    tracked.running /= 2;
    tracked.slept /= 2;
    tracked.same_wait = std::min(tracked.same_wait / 2, tracked.looks);
    for (auto& [measure, changes] : tracked.changes) {
      std::vector<Tracked::Change> kept;
      for (const Tracked::Change& change : changes) {
        if (!kept.empty() && kept.back().look == halved(change.look)) kept.pop_back();
        kept.push_back({halved(change.look), change.count});
      }
      changes = std::move(kept);
    }
  }
}

void Observation::add_listeners(const Joined& look) {
  const Survey& survey = look.survey;
  std::map<std::pair<std::uint32_t, std::uint16_t>, SocketKey> ports;
  for (const Socket& socket : survey.sockets) {
    if (socket.state != SocketState::kListen) continue;
    const SocketKey key{socket.id, socket.inode};
    const auto [at, is_new] = listeners_.try_emplace(key);
    TrackedListener& listener = at->second;
    const std::uint32_t queue = socket.accept_queue.value_or(0);
    listener.least = is_new ? queue : std::min(listener.least, queue);
    listener.most = std::max(listener.most, queue);
    ++listener.looks;
    listener.looks_with_queue += queue > 0;
    listener.looks_full += queue > 0 && queue >= socket.backlog.value_or(0xffffffff);
    if (socket.local.port != 0) ports[{socket.net_namespace, socket.local.port}] = key;
  }
  std::vector<Connection> held;
  std::vector<bool> seen(survey.sockets.size());
  for (const Descriptor& row : survey.descriptors) {
    if (!row.socket || seen[number(*row.socket)]) continue;
    seen[number(*row.socket)] = true;
    const Socket& socket = survey.sockets[number(*row.socket)];
    if (row.kind != Kind::kTcp || socket.state == SocketState::kListen) continue;
    const auto port = ports.find({socket.net_namespace, socket.local.port});
    if (port == ports.end()) continue;
    const Connection connection{socket.net_namespace, socket.local.port, {socket.id, socket.inode}};
    held.push_back(connection);
    const bool known = std::ranges::binary_search(connections_, connection);
    if (!known && times_.size() > 1) ++listeners_[port->second].newcomers;
  }
  std::ranges::sort(held);
  connections_ = std::move(held);
}

std::vector<SeriesPoint> Observation::series(const Tracked& tracked, Measure measure) const {
  std::vector<SeriesPoint> points;
  const auto found = tracked.changes.find(measure);
  std::uint64_t count = 0;
  std::size_t next = 0;
  const auto end = std::min<std::size_t>(tracked.first_look + tracked.looks, times_.size());
  for (std::size_t look = tracked.first_look; look < end; ++look) {
    if (found != tracked.changes.end()) {
      const auto& changes = found->second;
      while (next < changes.size() && changes[next].look <= look) count = changes[next++].count;
    }
    points.push_back({times_[look], count});
  }
  return points;
}

Trend Observation::trend(const Tracked& tracked, Measure measure, std::uint64_t least) const {
  const auto points = series(tracked, measure);
  const bool other_kind = place_of(measure) < kKinds && measure != measure_of(Kind::kTcp);
  if (!other_kind) return trend_of(points, least);
  return trend_of(points, series(tracked, measure_of(Kind::kTcp)), least);
}

}  // namespace plumb::detect
