// SPDX-License-Identifier: Apache-2.0
// ephemeral-ports-near: connections to one server use up the local ports that may be given to it.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "detect/record/call_name.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr double kNear = 0.8;

struct Use {
  std::uint64_t all = 0;
  std::uint64_t time_wait = 0;
  std::map<std::uint32_t, std::uint64_t> holders;
  const Socket* example = nullptr;
};

// Connections that were closed stand in no table. Who has made and closed them is seen where just
// one process is traced, and it has made many.
void add_churner(const Facts& facts, Finding& finding) {
  constexpr std::uint64_t kManyMade = 20;
  if (facts.trace == nullptr || facts.trace->ledger.processes().size() != 1) return;
  const auto p = find_process(facts.now.survey, facts.trace->ledger.processes().begin()->first.pid);
  if (!p) return;
  const Site* busiest = nullptr;
  for (const Site& site : facts.trace->ledger.sites()) {
    if (site.kind != Kind::kTcp || call_name(site.call).empty() || accepts(site)) continue;
    if (site.closed < kManyMade) continue;
    if (busiest == nullptr || site.closed > busiest->closed) busiest = &site;
  }
  if (busiest == nullptr) return;
  finding.subject = subject_of(facts.now.survey, *p);
  finding.whose_move = name_with_pid(facts.now.survey, *p);
  add_site(facts, *busiest, finding);
  const Frame* guilty = guilty_frame(finding.stack);
  finding.remedy = fmt::format(
      "{} must keep its connections and use them again; or widen "
      "net.ipv4.ip_local_port_range",
      guilty == nullptr ? finding.whose_move : frame_text(*guilty));
}

}  // namespace

void find_ephemeral_ports_near(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const PortRange range = facts.ephemeral;
  const std::uint64_t ports = range.last >= range.first ? range.last - range.first + 1U : 1U;
  using Key = std::tuple<std::uint32_t, std::array<std::uint8_t, 16>, std::array<std::uint8_t, 16>,
                         std::uint16_t>;
  std::vector<std::uint32_t> holder(survey.sockets.size(), 0xffffffff);
  for (const Descriptor& row : survey.descriptors) {
    if (row.socket) holder[number(*row.socket)] = number(row.process);
  }
  std::map<Key, Use> uses;
  for (std::size_t s = 0; s < survey.sockets.size(); ++s) {
    const Socket& socket = survey.sockets[s];
    if (socket.protocol != 6 || socket.remote.port == 0) continue;
    if (socket.local.port < range.first || socket.local.port > range.last) continue;
    Use& use = uses[{socket.net_namespace, socket.local.address, socket.remote.address,
                     socket.remote.port}];
    ++use.all;
    use.time_wait += socket.state == SocketState::kTimeWait;
    use.example = &socket;
    if (holder[s] != 0xffffffff) ++use.holders[holder[s]];
  }
  for (const auto& [key, use] : uses) {
    if (static_cast<double>(use.all) < kNear * static_cast<double>(ports)) continue;
    Finding finding;
    finding.id = id::kEphemeralPortsNear;
    finding.severity = Severity::kCritical;
    finding.confidence = 0.9;
    finding.weight = use.all;
    const std::string to = endpoint_text(use.example->remote, use.example->ipv6);
    std::uint64_t most = 0;
    for (const auto& [p, count] : use.holders) {
      if (count <= most) continue;
      most = count;
      finding.subject = subject_of(survey, ProcessIndex{p});
      finding.whose_move = name_with_pid(survey, ProcessIndex{p});
    }
    finding.summary = fmt::format("{} of {} local ports towards {} are in use",
                                  human_count(use.all), human_count(ports), to);
    finding.evidence.push_back({"in TIME_WAIT", human_count(use.time_wait)});
    if (most > 0) {
      finding.evidence.push_back(
          {"held", fmt::format("{} by {}", human_count(most), finding.whose_move)});
    }
    finding.remedy =
        "keep connections alive and use them again; or widen net.ipv4.ip_local_port_range";
    if (2 * use.time_wait > use.all) add_churner(facts, finding);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
