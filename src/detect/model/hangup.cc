// SPDX-License-Identifier: Apache-2.0
// Choosing connections.
#include "detect/model/hangup.h"

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

}  // namespace plumb::detect
