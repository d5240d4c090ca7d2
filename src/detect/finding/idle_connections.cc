// SPDX-License-Identifier: Apache-2.0
// idle-connections: many connections to one server that nobody uses. A pool that was too large for
// a while looks like a leak that has stopped: it is a note, and never more.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "detect/finding/kinds.h"
#include "detect/finding/quiet.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMany = 50;
constexpr auto kUnused = 1min;

struct Unused {
  std::uint64_t connections = 0;
  std::uint64_t used = 0;  // others to the same server
  std::chrono::nanoseconds least = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds most{};
  std::optional<DescriptorIndex> example;
};

Finding describe(const Facts& facts, ProcessIndex p, const Unused& unused) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, p);
  const Socket& socket = *survey.socket_of(facts.now.row(*unused.example));
  const End end = facts.now.ends.of(*unused.example);
  const std::string where = endpoint_text(socket.remote, socket.ipv6);
  const bool seen = end.state == EndState::kHeld && !end.holders.empty();
  const std::string server =
      seen ? fmt::format("{} ({})",
                         name_with_pid(survey, facts.now.row(end.holders.front()).process), where)
           : where;
  Finding finding;
  finding.id = id::kIdleConnections;
  finding.subject = subject_of(survey, p);
  finding.severity = Severity::kInfo;
  finding.confidence = 0.9;
  finding.measure = measure_of(Kind::kTcp);
  finding.weight = unused.connections;
  finding.series = facts.observation.series(*facts.tracked(p), *finding.measure);
  finding.summary =
      fmt::format("{} holds {} connections to {}, none of them used for {}", who,
                  human_count(unused.connections), server, human_duration(unused.least));
  finding.evidence.push_back(
      {"unused",
       fmt::format("for {} to {}, with nothing on the way; {} to the same server are used",
                   human_duration(unused.least), human_duration(unused.most),
                   human_count(unused.used))});
  const auto limit = facts.process(p).descriptor_limit;
  const std::uint64_t open = facts.now.tables.size_of(p);
  if (limit && *limit >= open) {
    finding.evidence.push_back(
        {"room", fmt::format("for {} more descriptors, of {}", human_count(*limit - open),
                             human_count(*limit))});
  }
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "of a pool, {} may keep fewer or end them when idle; else see who opens them and forgets: "
      "plumb explain while it happens",
      who);
  return finding;
}

void look_at(const Facts& facts, ProcessIndex p, const std::set<std::uint16_t>& ports,
             std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  std::map<std::pair<std::array<std::uint8_t, 16>, std::uint16_t>, Unused> servers;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (row.kind != Kind::kTcp || socket == nullptr) continue;
    if (socket->state != SocketState::kEstablished) continue;
    if (ports.contains(socket->local.port)) continue;
    const auto holders = facts.now.sharing.holders_of(DescriptorIndex{d});
    if (holders.size() > 1 && holders.front() != DescriptorIndex{d}) continue;
    Unused& unused = servers[{socket->remote.address, socket->remote.port}];
    const auto idle = idle_of(survey, row);
    if (!idle || *idle < kUnused || !nothing_on_the_way(*socket)) {
      ++unused.used;
      continue;
    }
    ++unused.connections;
    unused.least = std::min(unused.least, *idle);
    unused.most = std::max(unused.most, *idle);
    if (!unused.example) unused.example = DescriptorIndex{d};
  }
  for (const auto& [server, unused] : servers) {
    // Where some are used it is a pool at work.
    if (unused.connections < kMany || 10 * unused.used > unused.connections) continue;
    found.push_back(describe(facts, p, unused));
  }
}

}  // namespace

void find_idle_connections(const Facts& facts, std::vector<Finding>& found) {
  const std::set<std::uint16_t> ports = listened_ports(facts.now.survey);
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    if (facts.now.tables.size_of(index) < kMany || facts.tracked(index) == nullptr) continue;
    look_at(facts, index, ports, found);
  }
}

}  // namespace plumb::detect
