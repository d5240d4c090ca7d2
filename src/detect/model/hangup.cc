// SPDX-License-Identifier: Apache-2.0
// Choosing connections.
#include "detect/model/hangup.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "detect/model/tables.h"

namespace plumb::detect {
namespace {

// A port where somebody listens, and in which network.
using Door = std::tuple<std::uint32_t, std::uint16_t>;

std::set<Door> doors_of(const Survey& survey) {
  std::set<Door> doors;
  for (const Socket& socket : survey.sockets) {
    if (socket.state == SocketState::kListen) {
      doors.emplace(socket.net_namespace, socket.local.port);
    }
  }
  return doors;
}

bool is_at(const Joined& joined, DescriptorIndex row, const Socket& socket, const Selector& peer,
           const Selection& selection) {
  if (peer.sort == Selector::Sort::kPort) return socket.remote.port == peer.number;
  for (const DescriptorIndex other : joined.ends.of(row).holders) {
    if (selection.has_row(number(other))) return true;
  }
  return false;
}

// Whether a process has slept in one call from one look to the other.
bool slept(const Joined& before, const Joined& now, ProcessIndex p) {
  constexpr RunState kAsleep{'S'};
  const Process& process = now.survey.processes[number(p)];
  const auto earlier = find_process(before.survey, process.key.pid);
  if (!earlier) return false;
  const Process& then = before.survey.processes[number(*earlier)];
  return then.key == process.key && then.state == kAsleep && process.state == kAsleep &&
         then.thread_count == 1U && process.thread_count == 1U && process.sleeps &&
         then.sleeps == process.sleeps;
}

template <typename Rows>
bool all_slept(const Joined& before, const Joined& now, const Rows& rows) {
  return !rows.empty() && std::ranges::all_of(rows, [&](DescriptorIndex row) {
    return slept(before, now, now.row(row).process);
  });
}

using UnixKey = std::tuple<SocketId, std::uint64_t>;

}  // namespace

std::vector<bool> with_children(const Survey& survey, const std::vector<ProcessIndex>& chosen) {
  std::vector<bool> own(survey.processes.size());
  for (const ProcessIndex p : chosen) own[number(p)] = true;
  // Numbers wrap around, so a child may stand before its parent.
  for (bool more = true; more;) {
    more = false;
    for (std::size_t p = 0; p < own.size(); ++p) {
      if (own[p]) continue;
      const auto parent = find_process(survey, survey.processes[p].parent);
      if (parent && own[number(*parent)]) own[p] = more = true;
    }
  }
  return own;
}

std::vector<DescriptorIndex> quiet_connections(const Joined& joined, const std::vector<bool>& own,
                                               const Selector& peer,
                                               std::chrono::nanoseconds older) {
  const Survey& survey = joined.survey;
  const Selection selection = select(survey, {peer});
  const auto doors = doors_of(survey);
  std::set<SocketIndex> seen;
  std::vector<DescriptorIndex> rows;
  for (std::size_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& descriptor = survey.descriptors[d];
    const Socket* socket = survey.socket_of(descriptor);
    if (socket == nullptr || !own[number(descriptor.process)]) continue;
    if (descriptor.kind != Kind::kTcp || socket->state != SocketState::kEstablished) continue;
    if (doors.contains(Door{socket->net_namespace, socket->local.port})) continue;
    const auto idle = idle_of(survey, descriptor);
    const DescriptorIndex row{static_cast<std::uint32_t>(d)};
    if (!idle || *idle < older || !is_at(joined, row, *socket, peer, selection)) continue;
    if (seen.insert(*descriptor.socket).second) rows.push_back(row);
  }
  return rows;
}

std::vector<DescriptorIndex> unix_connections(const Joined& joined, const std::vector<bool>& own,
                                              const Selector& peer) {
  std::vector<DescriptorIndex> rows;
  if (peer.sort == Selector::Sort::kPort) return rows;
  const Survey& survey = joined.survey;
  const Selection selection = select(survey, {peer});
  std::set<SocketIndex> seen;
  for (std::size_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& descriptor = survey.descriptors[d];
    const Socket* socket = survey.socket_of(descriptor);
    if (socket == nullptr || descriptor.kind != Kind::kUnix) continue;
    const bool connected = socket->state == SocketState::kEstablished && socket->peer;
    const bool served = !survey.texts.at(socket->path).empty();
    const DescriptorIndex row{static_cast<std::uint32_t>(d)};
    if (!connected || served || !own[number(descriptor.process)]) continue;
    if (!is_at(joined, row, *socket, peer, selection)) continue;
    if (seen.insert(*descriptor.socket).second) rows.push_back(row);
  }
  return rows;
}

std::vector<DescriptorIndex> unmoved(const Joined& before, const Joined& now,
                                     const std::vector<DescriptorIndex>& rows) {
  std::map<UnixKey, const Socket*> known;
  for (const Socket& socket : before.survey.sockets) known[{socket.id, socket.inode}] = &socket;
  std::vector<DescriptorIndex> still;
  for (const DescriptorIndex row : rows) {
    const Socket& socket = *now.survey.socket_of(now.row(row));
    const auto then = known.find({socket.id, socket.inode});
    const bool same = then != known.end() && then->second->peer == socket.peer &&
                      then->second->receive_queue == socket.receive_queue &&
                      then->second->send_queue == socket.send_queue;
    if (!same) continue;
    const bool asleep = all_slept(before, now, now.sharing.holders_of(row)) ||
                        all_slept(before, now, now.ends.of(row).holders);
    if (asleep) still.push_back(row);
  }
  return still;
}

}  // namespace plumb::detect
