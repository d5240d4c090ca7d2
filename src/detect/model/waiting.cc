// SPDX-License-Identifier: Apache-2.0
// Reading what processes wait for.
#include "detect/model/waiting.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <variant>

#include "detect/model/wait.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostParties = 8;    // per process: a server waits for thousands
constexpr std::size_t kMostWatches = 256;  // looked at per epoll

auto identity(const Waiting& w) {
  return std::tie(w.call, w.evidence, w.kind, w.state, w.whom);
}

std::optional<ThreadIndex> leader_of(const Survey& survey, const Process& process) {
  for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
    const ThreadIndex thread{process.first_thread + t};
    if (number(survey.threads[number(thread)].tid) == number(process.key.pid)) return thread;
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const Joined& joined) : joined_(joined) {}

  // The parties that one process waits for.
  std::vector<Waiting> read(ProcessIndex process) const {
    const BlockingCall* call =
        leader_call(joined_.survey, joined_.survey.processes[number(process)]);
    if (call == nullptr) return {Waiting{}};
    const Wait wait = wait_of(*call);
    Waiting plain;
    plain.call = wait.call;
    std::vector<Waiting> parties;
    if (wait.fd && !wait.many) {
      if (const auto d = joined_.tables.find(process, *wait.fd)) {
        add(parties, wait.call, WaitEvidence::kArgument, process, *d);
      }
    } else if (wait.fd) {
      add_watches(parties, wait.call, process, *wait.fd);
    } else if (wait.many && !add_list(parties, wait.call, process)) {
      add_holdings(parties, wait.call, process);
    }
    if (parties.empty()) parties.push_back(plain);
    return parties;
  }

 private:
  void add_watches(std::vector<Waiting>& parties, std::string_view call, ProcessIndex process,
                   Fd epoll) const {
    const auto d = joined_.tables.find(process, epoll);
    const Detail* detail = d ? joined_.survey.detail_of(joined_.row(*d)) : nullptr;
    const auto* watched = detail == nullptr ? nullptr : std::get_if<EpollDetail>(detail);
    if (watched == nullptr) return;
    std::size_t looked_at = 0;
    for (const EpollWatch& watch : watched->watches) {
      if (++looked_at > kMostWatches) break;
      const auto target = joined_.tables.find(process, watch.fd);
      if (!target || joined_.ends.of(*target).state == EndState::kNone) continue;
      add(parties, call, WaitEvidence::kWatch, process, *target);
    }
  }

  // The list of a poll or select, where the survey read it.
  bool add_list(std::vector<Waiting>& parties, std::string_view call, ProcessIndex process) const {
    const auto leader = leader_of(joined_.survey, joined_.survey.processes[number(process)]);
    if (!leader) return false;
    const auto& waits = joined_.survey.waits;
    const auto facts = std::ranges::lower_bound(waits, *leader, {}, &ThreadWait::thread);
    if (facts == waits.end() || facts->thread != *leader || !facts->listed) return false;
    std::size_t looked_at = 0;
    for (const PolledFd& polled : facts->polled) {
      if (++looked_at > kMostWatches) break;
      const auto target = joined_.tables.find(process, polled.fd);
      if (!target || joined_.ends.of(*target).state == EndState::kNone) continue;
      add(parties, call, WaitEvidence::kList, process, *target);
    }
    return true;
  }

  // TCP alone where it holds TCP: what a client of a pipe-fed child waits for is the network.
  void add_holdings(std::vector<Waiting>& parties, std::string_view call,
                    ProcessIndex process) const {
    const auto rows = joined_.tables.rows_of(process);
    for (const bool network : {true, false}) {
      for (std::uint32_t d = rows.first; d < rows.last && parties.size() < kMostParties; ++d) {
        const Kind kind = joined_.survey.descriptors[d].kind;
        const bool is_network = kind == Kind::kTcp || kind == Kind::kUdp;
        if (is_network != network) continue;
        if (joined_.ends.of(DescriptorIndex{d}).state == EndState::kNone) continue;
        add(parties, call, WaitEvidence::kHolding, process, DescriptorIndex{d});
      }
      if (!parties.empty()) return;
    }
  }

  void add(std::vector<Waiting>& parties, std::string_view call, WaitEvidence evidence,
           ProcessIndex process, DescriptorIndex d) const {
    if (parties.size() >= kMostParties) return;
    const End end = joined_.ends.of(d);
    Waiting party{call, evidence, joined_.row(d).kind, end.state, std::nullopt, 0};
    for (const DescriptorIndex holder : end.holders) {
      party.whom = joined_.row(holder).process;
      if (*party.whom != process) break;  // itself only where nobody else holds it
    }
    // Its own wake-up pipe is nobody that it waits for.
    if (party.whom == process && evidence != WaitEvidence::kArgument) return;
    const bool known = std::ranges::any_of(
        parties, [&](const Waiting& other) { return identity(other) == identity(party); });
    if (!known) parties.push_back(party);
  }

  const Joined& joined_;
};

}  // namespace

std::string_view name_of(WaitEvidence evidence) {
  static constexpr std::array<std::string_view, 5> kNames = {"none", "argument", "watch", "list",
                                                             "holding"};
  return kNames[static_cast<std::size_t>(evidence)];
}

const BlockingCall* leader_call(const Survey& survey, const Process& process) {
  const auto leader = leader_of(survey, process);
  if (!leader) return nullptr;
  const Thread& thread = survey.threads[number(*leader)];
  return thread.waits_in ? &*thread.waits_in : nullptr;
}

std::vector<Waiting> waiting_of(const Joined& joined, std::span<const ProcessIndex> members) {
  const Reader reader(joined);
  std::vector<Waiting> all;
  for (const ProcessIndex member : members) {
    for (const Waiting& party : reader.read(member)) {
      const auto known = std::ranges::find_if(
          all, [&](const Waiting& other) { return identity(other) == identity(party); });
      if (known != all.end()) {
        ++known->count;
      } else {
        all.push_back(party);
        all.back().count = 1;
      }
    }
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &Waiting::count);
  return all;
}

}  // namespace plumb::detect
