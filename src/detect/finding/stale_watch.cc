// SPDX-License-Identifier: Apache-2.0
// stale-epoll-watch: an epoll still watches a file whose descriptor its process has closed, because
// a duplicate (a dup, a child, another process) keeps the file open: epoll(7), questions 6 and 9.
// Events of it come to a number that is nobody's, or another's, and cannot be taken off any more.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "detect/model/wait.h"
#include "detect/model/waiting.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kAnyEvent = 0x1 | 0x4;  // EPOLLIN, EPOLLOUT: others are not asked for alone
constexpr std::uint64_t kMany = 3;

struct Stale {
  std::uint64_t count = 0;
  EpollWatch example;
  Fd epoll{};
};

bool runs(const Facts& facts, ProcessKey process) {
  const Tracked* tracked = facts.observation.find(process);
  return tracked != nullptr && 10 * tracked->running >= 7 * tracked->looks;
}

// Whether an epoll that is shared is this process's all the same: the others are forked from it,
// and it waits for the events. Who shares one with strangers may have been given it with their
// numbers.
bool is_its_own(const Facts& facts, const Joined& joined, DescriptorIndex epoll) {
  const Survey& survey = joined.survey;
  const Descriptor& row = joined.row(epoll);
  const Process& process = survey.processes[number(row.process)];
  for (const DescriptorIndex holder : joined.sharing.holders_of(epoll)) {
    const Process& other = survey.processes[number(joined.row(holder).process)];
    if (other.key != process.key && other.parent != process.key.pid) return false;
  }
  const BlockingCall* call = leader_call(survey, process);
  if (call == nullptr) return runs(facts, process.key);
  const Wait wait = wait_of(*call);
  return wait.call.starts_with("epoll") && wait.fd == row.fd;
}

Stale stale_in(const Facts& facts, const Joined& joined, ProcessIndex p) {
  Stale stale;
  const auto rows = joined.tables.rows_of(p);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = joined.survey.descriptors[d];
    const Detail* detail = joined.survey.detail_of(row);
    const auto* epoll = detail == nullptr ? nullptr : std::get_if<EpollDetail>(detail);
    if (epoll == nullptr || epoll->watches.empty()) continue;
    const bool shared = joined.sharing.holders_of(DescriptorIndex{d}).size() > 1;
    if (shared && !is_its_own(facts, joined, DescriptorIndex{d})) continue;
    for (const EpollWatch& watch : epoll->watches) {
      const auto target = joined.tables.find(p, watch.fd);
      const bool matches = target && (watch.inode == 0 || joined.row(*target).inode == watch.inode);
      if (matches || (watch.events & kAnyEvent) == 0) continue;
      ++stale.count;
      stale.example = watch;
      stale.epoll = row.fd;
    }
  }
  return stale;
}

// Who keeps the file open: any descriptor with its inode.
std::string keepers(const Joined& joined, std::uint64_t inode) {
  if (inode == 0) return {};
  for (const Descriptor& row : joined.survey.descriptors) {
    if (row.inode != inode) continue;
    return fmt::format("{} fd {}, {}", name_with_pid(joined.survey, row.process), number(row.fd),
                       name_of(row.kind));
  }
  return {};
}

}  // namespace

void find_stale_watch(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const ProcessIndex index{p};
    const auto before = facts.earlier(index);
    if (!before) continue;
    const Stale stale = stale_in(facts, facts.now, index);
    if (stale.count == 0) continue;
    const Stale earlier = stale_in(facts, facts.first, *before);
    if (earlier.count == 0 && stale.count < kMany) continue;
    const bool spins = runs(facts, facts.process(index).key);
    const std::string keeper = keepers(facts.now, stale.example.inode);
    if (keeper.empty()) continue;  // what cannot be proven is not said
    const std::string who = name_with_pid(survey, index);
    Finding finding;
    finding.id = id::kStaleWatch;
    finding.subject = subject_of(survey, index);
    finding.severity = spins || stale.count >= kMany ? Severity::kWarning : Severity::kInfo;
    finding.confidence = 0.85;
    finding.weight = stale.count;
    finding.summary = fmt::format("{} closed {} that its epoll still watches{}", who,
                                  counted(stale.count, "descriptor", "descriptors"),
                                  spins ? ", and spins on them" : "");
    finding.evidence.push_back(
        {"watch", fmt::format("epoll fd {} watches what was fd {} (inode {})", number(stale.epoll),
                              number(stale.example.fd), stale.example.inode)});
    finding.evidence.push_back({"kept open by", keeper});
    finding.whose_move = who;
    finding.remedy = fmt::format(
        "{} must take a descriptor out of its epoll (EPOLL_CTL_DEL) before "
        "it closes it",
        who);
    found.push_back(std::move(finding));
  }
}

}  // namespace plumb::detect
