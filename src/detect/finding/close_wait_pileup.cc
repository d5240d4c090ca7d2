// SPDX-License-Identifier: Apache-2.0
// close-wait-pileup: connections that the peer has closed and their owner has not, for long. A pool
// may keep a few until it next looks at them; many, or more and more, are lost.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "detect/finding/kinds.h"
#include "detect/finding/piles.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

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
    if (tracked == nullptr) continue;
    if (tracked->counts[place_of(Measure::kCloseWait)] < kLeastPileRise) continue;
    const Pile pile = pile_of(facts, index, at_first);
    const PileGrowth growth = growth_of_pile(facts, index, Measure::kCloseWait, pile.all);
    if (!pile.example || (pile.lasting < kLeastPileRise && !growth.grows)) continue;
    Finding finding = finding_of_pile(facts, id::kCloseWaitPileup, index, Measure::kCloseWait,
                                      growth, pile.all, pile.lasting, 0.85);
    finding.summary =
        fmt::format("{} keeps {} that the other side has closed (CLOSE_WAIT){}", finding.whose_move,
                    counted(pile.all, "connection", "connections"), growth.text());
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
    const std::string guilty = add_maker(facts, index, finding);
    finding.remedy =
        pile.unread > 0
            ? fmt::format("{} must read each answer to its end or close it, also where it fails",
                          guilty)
            : fmt::format("{} must close a connection when it reads its end", guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
