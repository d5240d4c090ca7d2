// SPDX-License-Identifier: Apache-2.0
// unread-body: bytes have come and nobody reads them: the body of an answer that was left in the
// queue, whatever the language. The connection cannot be used again, and its sender may be stuck.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "detect/finding/kinds.h"
#include "detect/finding/piles.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuiet = 4s;

struct Pile {
  std::uint64_t all = 0;
  std::uint64_t lasting = 0;  // there at the first look with as many bytes
  std::uint64_t bytes = 0;
  std::uint64_t stuck = 0;  // whose sender has more, and no room to send it
  std::chrono::nanoseconds oldest{};
  std::optional<DescriptorIndex> example;
  std::vector<ProcessKey> senders;
};

using Known = std::set<std::tuple<SocketId, std::uint64_t, std::uint32_t>>;

Known unread_at_first(const Facts& facts) {
  Known known;
  for (const Socket& socket : facts.first.survey.sockets) {
    if (socket.family == AF_UNIX || socket.receive_queue.value_or(0) == 0) continue;
    known.emplace(socket.id, socket.inode, *socket.receive_queue);
  }
  return known;
}

void add_sender(const Facts& facts, DescriptorIndex d, Pile& pile) {
  for (const DescriptorIndex other : facts.now.ends.of(d).holders) {
    const Socket* socket = facts.now.survey.socket_of(facts.now.row(other));
    pile.stuck += socket != nullptr && socket->send_queue.value_or(0) > 0;
    const ProcessKey key = facts.now.holder(other).key;
    if (std::ranges::count(pile.senders, key) == 0) pile.senders.push_back(key);
  }
}

Pile pile_of(const Facts& facts, ProcessIndex p, const Known& at_first) {
  Pile pile;
  const Survey& survey = facts.now.survey;
  const auto rows = facts.now.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Socket* socket = survey.socket_of(survey.descriptors[d]);
    if (socket == nullptr || survey.descriptors[d].kind != Kind::kTcp) continue;
    const bool closed = socket->state == SocketState::kCloseWait;
    if (!closed && socket->state != SocketState::kEstablished) continue;
    const std::uint32_t unread = socket->receive_queue.value_or(0);
    if (unread <= (closed ? 1U : 0U) || !socket->last_received) continue;
    const auto quiet = survey.taken - *socket->last_received;
    if (quiet < kQuiet) continue;
    ++pile.all;
    pile.bytes += unread;
    pile.lasting += at_first.contains({socket->id, socket->inode, unread});
    if (quiet >= pile.oldest) {
      pile.oldest = quiet;
      pile.example = DescriptorIndex{d};
    }
    add_sender(facts, DescriptorIndex{d}, pile);
  }
  return pile;
}

}  // namespace

void find_unread_body(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const Known at_first = unread_at_first(facts);
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const Tracked* tracked = facts.tracked(index);
    if (tracked == nullptr || tracked->counts[place_of(Measure::kUnread)] == 0) continue;
    const Pile pile = pile_of(facts, index, at_first);
    const PileGrowth growth = growth_of_pile(facts, index, Measure::kUnread, pile.all);
    if (!pile.example || (pile.lasting == 0 && !growth.grows)) continue;
    Finding finding = finding_of_pile(facts, id::kUnreadBody, index, Measure::kUnread, growth,
                                      pile.all, pile.lasting, 0.8);
    finding.leads_to = pile.senders;
    finding.summary = fmt::format("{} leaves {} with {} unread{}", finding.whose_move,
                                  counted(pile.all, "connection", "connections"),
                                  human_size(pile.bytes), growth.text());
    finding.evidence.push_back(
        {"unread",
         fmt::format("the oldest for {}; {} as they were {} ago", human_duration(pile.oldest),
                     human_count(pile.lasting), human_duration(facts.observed()))});
    finding.evidence.push_back(
        {"such as", socket_text(survey, *survey.socket_of(facts.now.row(*pile.example)))});
    if (pile.stuck > 0) {
      finding.evidence.push_back(
          {"sender", fmt::format("has more to send on {} of them", human_count(pile.stuck))});
    }
    const std::string guilty = add_maker(facts, index, finding);
    // By counts alone.
    if (growth.grows && finding.stack.empty()) finding.confidence = 0.9;
    finding.remedy = fmt::format(
        "{} must read what comes to its end, or close the connection, also when it "
        "does not want it",
        guilty);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
