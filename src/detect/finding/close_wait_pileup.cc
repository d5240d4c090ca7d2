// SPDX-License-Identifier: Apache-2.0
// close-wait-pileup: connections that the peer has closed and their owner has not, for long. A pool
// may keep a few until it next looks at them; many, or more and more, are lost.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMany = 10;
constexpr std::uint64_t kLeastRise = 3;
constexpr auto kQuiet = 10s;

struct Pile {
  std::uint64_t all = 0;
  std::uint64_t lasting = 0;  // there at the first look, quiet since
  std::uint64_t unread = 0;   // with bytes that nobody reads
  std::chrono::nanoseconds oldest{};
  std::optional<DescriptorIndex> example;
};

std::set<SocketKey> closed_at_first(const Facts& facts) {
  std::set<SocketKey> keys;
  for (const Socket& socket : facts.first.survey.sockets) {
    if (socket.state == SocketState::kCloseWait) keys.insert({socket.id, socket.inode});
  }
  return keys;
}

Pile pile_of(const Facts& facts, ProcessIndex p, const std::set<SocketKey>& at_first) {
  Pile pile;
  const Survey& survey = facts.now.survey;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Socket* socket = survey.socket_of(survey.descriptors[d]);
    if (socket == nullptr || socket->state != SocketState::kCloseWait) continue;
    ++pile.all;
    pile.example = DescriptorIndex{d};
    const auto idle = idle_of(survey, survey.descriptors[d]).value_or(0s);
    const bool known = at_first.contains({socket->id, socket->inode});
    pile.lasting += known && idle >= kQuiet;
    pile.unread += socket->receive_queue.value_or(0) > 1;  // the FIN counts one
    pile.oldest = std::max(pile.oldest, idle);
  }
  return pile;
}

}  // namespace

void find_close_wait_pileup(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const auto at_first = closed_at_first(facts);
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || tracked->counts[place_of(Measure::kCloseWait)] < kLeastRise) continue;
    const Trend trend = facts.observation.trend(*tracked, Measure::kCloseWait, kLeastRise);
    const Pile pile = pile_of(facts, index, at_first);
    const bool grows = trend.rises() && pile.all >= kLeastRise;
    if (!pile.example || (pile.lasting < kLeastRise && !grows)) continue;
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kCloseWaitPileup;
    finding.subject = subject_of(survey, index);
    finding.severity = grows || pile.lasting >= kMany ? Severity::kWarning : Severity::kInfo;
    finding.confidence = grows ? 0.95 : 0.85;
    finding.measure = Measure::kCloseWait;
    finding.weight = pile.all;
    finding.series = facts.observation.series(*tracked, Measure::kCloseWait);
    finding.summary = fmt::format("{} keeps {} that the other side has closed (CLOSE_WAIT){}", who,
                                  counted(pile.all, "connection", "connections"),
                                  grows ? ", " + rate_text(trend.per_second) : std::string());
    const Socket& example = *survey.socket_of(facts.now.row(*pile.example));
    finding.evidence.push_back(
        {"closed by peer", fmt::format("the oldest is quiet for {}; {} were so {} ago already",
                                       human_duration(pile.oldest), human_count(pile.lasting),
                                       human_duration(facts.observed()))});
    finding.evidence.push_back({"such as", socket_text(survey, example)});
    if (pile.unread > 0) {
      finding.evidence.push_back({"unread", fmt::format("{} still hold bytes that nobody reads",
                                                        human_count(pile.unread))});
    }
    const auto sites = growing_sites(facts, facts.process(index).key.pid, Kind::kTcp);
    if (!sites.empty()) add_site(facts, *sites.front(), finding);
    const Frame* guilty = guilty_frame(finding.stack);
    const std::string whoever = guilty == nullptr ? who : frame_text(*guilty);
    finding.whose_move = who;
    finding.remedy =
        pile.unread > 0
            ? fmt::format("{} must read each answer to its end or close it, also where it fails",
                          whoever)
            : fmt::format("{} must close a connection when it reads its end", whoever);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
