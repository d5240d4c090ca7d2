// SPDX-License-Identifier: Apache-2.0
// Walking the graph of waits.
#include "detect/model/wait_chain.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostSteps = 100'000;  // of one walk, which tries several ways to a process

constexpr std::array<std::string_view, 16> kReasons = {
    "locked",  "ended",   "stopped", "kernel", "runs",    "sleeps", "mutual", "device",
    "outside", "clients", "signal",  "event",  "threads", "nobody", "unseen", "unknown"};

const Process& row_of(const WaitGraph& graph, ProcessIndex process) {
  return graph.joined().survey.processes[number(process)];
}

RunState state_of(const WaitGraph& graph, const ThreadParties& thread) {
  return graph.joined().survey.threads[number(thread.thread)].state;
}

Kind kind_on(const WaitGraph& graph, const Party& party) {
  return party.on ? graph.joined().row(*party.on).kind : Kind::kUnknown;
}

int rank(const WaitLine& line) {
  if (!line.party) return 1;
  switch (line.party->kind) {
    case PartyKind::kProcess:
    case PartyKind::kThread:
      return line.party->accepted && line.party->evidence != WaitEvidence::kArgument ? 4 : 0;
    case PartyKind::kOutside:
      return line.party->accepted ? 4 : 2;
    case PartyKind::kOwn:
    case PartyKind::kFutex:
      return 5;
    default:
      return 3;
  }
}

bool same_line(const WaitGraph& graph, const WaitLine& a, const WaitLine& b) {
  if (a.wait.call != b.wait.call || a.party.has_value() != b.party.has_value()) return false;
  if (!a.party) {
    const auto& threads = graph.joined().survey.threads;
    return threads[number(a.thread)].state == threads[number(b.thread)].state;
  }
  const auto identity = [](const Party& p) {
    return std::tie(p.kind, p.via, p.evidence, p.end, p.accepted, p.mutual, p.whom, p.thread);
  };
  return identity(*a.party) == identity(*b.party) &&
         kind_on(graph, *a.party) == kind_on(graph, *b.party);
}

EndReason reason_of(PartyKind kind) {
  switch (kind) {
    case PartyKind::kTimer:
      return EndReason::kSleeps;
    case PartyKind::kDevice:
      return EndReason::kDevice;
    case PartyKind::kOutside:
      return EndReason::kOutside;
    case PartyKind::kClients:
      return EndReason::kClients;
    case PartyKind::kSignal:
      return EndReason::kSignal;
    case PartyKind::kEvent:
      return EndReason::kEvent;
    case PartyKind::kOwn:
    case PartyKind::kFutex:
    case PartyKind::kThread:
      return EndReason::kThreads;
    case PartyKind::kNobody:
      return EndReason::kNobody;
    case PartyKind::kUnseen:
      return EndReason::kUnseen;
    case PartyKind::kProcess:
    case PartyKind::kUnknown:
      break;
  }
  return EndReason::kUnknown;
}

// What a process does by itself, whatever its threads wait for; nothing where they all wait.
std::optional<EndReason> own_doing(const WaitGraph& graph, ProcessIndex process) {
  const Process& row = row_of(graph, process);
  if (row.state == RunState{'Z'} || row.state == RunState{'X'}) return EndReason::kEnded;
  if (row.state == RunState{'T'}) return EndReason::kStopped;
  std::optional<EndReason> doing;
  for (const ThreadParties& thread : graph.threads_of(process)) {
    const RunState state = state_of(graph, thread);
    const bool leads = std::ranges::any_of(thread.parties, [](const Party& party) {
      return party.kind == PartyKind::kProcess || party.kind == PartyKind::kThread;
    });
    if (state == RunState{'R'}) doing = EndReason::kRuns;
    if (state == RunState{'D'} && !leads && !doing) doing = EndReason::kKernel;
  }
  return doing;
}

class Walk {
 public:
  Walk(const WaitGraph& graph, std::size_t limit) : graph_(graph), limit_(limit) {
    seen_.resize(graph.joined().survey.processes.size());
  }

  std::vector<ChainEnd> ends(ProcessIndex process) {
    visit(process, Reached::kAsked);
    std::ranges::stable_sort(ends_, {}, &ChainEnd::reason);
    if (ends_.size() > limit_) ends_.resize(limit_);
    return std::move(ends_);
  }

 private:
  void visit(ProcessIndex process, Reached reached) {
    way_.push_back(process);
    seen_[number(process)] = true;
    look(process, reached);
    way_.pop_back();
  }

  void look(ProcessIndex process, Reached reached) {
    if (++steps_ > kMostSteps) return;
    if (!graph_.can_go_on(process)) return end(EndReason::kLocked);
    if (const auto doing = own_doing(graph_, process)) return end(*doing);
    bool led_on = false, mutual = false;
    EndReason weakest = EndReason::kUnknown;
    bool any = false;
    for (const ThreadParties& thread : graph_.threads_of(process)) {
      for (const Party& party : thread.parties) {
        if (party.mutual) mutual = true;
        if (leads_on(party, reached) && party.kind == PartyKind::kProcess) {
          for (const ProcessIndex whom : party.whom) led_on |= follow(whom);
        } else if (party.kind != PartyKind::kProcess) {
          const EndReason reason = reason_of(party.kind);
          if (!any || reason < weakest) weakest = reason;
          any = true;
        }
      }
    }
    if (led_on) return;
    if (mutual) return end(EndReason::kMutual);
    end(any ? weakest : EndReason::kUnknown);
  }

  // True where the way through `whom` is, or was, walked.
  bool follow(ProcessIndex whom) {
    if (std::ranges::find(way_, whom) != way_.end()) return false;
    if (!seen_[number(whom)]) visit(whom, Reached::kByChain);
    return true;
  }

  void end(EndReason reason) {
    ChainEnd found{way_, reason, {}};
    if (reason == EndReason::kLocked) found.ring = graph_.ring_of(way_.back());
    ends_.push_back(std::move(found));
  }

  const WaitGraph& graph_;
  std::size_t limit_;
  std::size_t steps_ = 0;
  std::vector<bool> seen_;
  std::vector<ProcessIndex> way_;
  std::vector<ChainEnd> ends_;
};

}  // namespace

std::string_view name_of(EndReason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}

std::string_view sentence_of(EndReason reason) {
  switch (reason) {
    case EndReason::kLocked:
      return "can never go on";
    case EndReason::kEnded:
      return "has ended and was not waited for";
    case EndReason::kStopped:
      return "is stopped by a signal";
    case EndReason::kKernel:
      return "sleeps in the kernel";
    case EndReason::kRuns:
      return "runs";
    case EndReason::kSleeps:
      return "sleeps, and goes on by itself";
    case EndReason::kMutual:
      return "waits for whoever waits for it";
    case EndReason::kDevice:
      return "waits for a disk, a device or a terminal";
    case EndReason::kOutside:
      return "waits for another machine";
    case EndReason::kClients:
      return "is idle: it waits for whoever comes";
    case EndReason::kSignal:
      return "waits for a signal";
    case EndReason::kEvent:
      return "waits for the kernel to tell it something";
    case EndReason::kThreads:
      return "waits for a thread of its own";
    case EndReason::kNobody:
      return "waits for an end that nobody has";
    case EndReason::kUnseen:
      return "waits for one that cannot be seen";
    case EndReason::kUnknown:
      return "waits, for what cannot be seen";
  }
  return {};
}

bool leads_on(const Party& party, Reached reached) {
  if (party.kind != PartyKind::kProcess && party.kind != PartyKind::kThread) return false;
  return reached == Reached::kAsked || !party.accepted || party.evidence == WaitEvidence::kArgument;
}

std::vector<WaitLine> wait_lines(const WaitGraph& graph, ProcessIndex process) {
  std::vector<WaitLine> lines;
  const auto add = [&](WaitLine line) {
    const auto same = std::ranges::find_if(
        lines, [&](const WaitLine& other) { return same_line(graph, other, line); });
    if (same == lines.end()) {
      lines.push_back(std::move(line));
    } else {
      ++same->threads;
      same->descriptors += line.descriptors;
    }
  };
  for (const ThreadParties& thread : graph.threads_of(process)) {
    WaitLine line;
    line.thread = thread.thread;
    line.wait = thread.wait;
    line.timeout = thread.timeout;
    if (thread.parties.empty()) add(line);
    for (const Party& party : thread.parties) {
      line.party = party;
      line.descriptors = party.on ? party.count : 0;
      add(line);
    }
  }
  std::ranges::stable_sort(lines, {}, rank);
  return lines;
}

std::vector<ChainEnd> chain_ends(const WaitGraph& graph, ProcessIndex process, std::size_t limit) {
  return Walk(graph, limit).ends(process);
}

std::vector<ProcessIndex> reached_from(const WaitGraph& graph,
                                       std::span<const ProcessIndex> processes) {
  std::vector<bool> seen(graph.joined().survey.processes.size());
  std::vector<ProcessIndex> all;
  const auto take = [&](ProcessIndex process) {
    if (seen[number(process)]) return;
    seen[number(process)] = true;
    all.push_back(process);
  };
  for (const ProcessIndex process : processes) take(process);
  const std::size_t asked = all.size();
  for (std::size_t at = 0; at < all.size(); ++at) {
    const Reached reached = at < asked ? Reached::kAsked : Reached::kByChain;
    for (const ThreadParties& thread : graph.threads_of(all[at])) {
      for (const Party& party : thread.parties) {
        if (!leads_on(party, reached)) continue;
        for (const ProcessIndex whom : party.whom) take(whom);
      }
    }
  }
  return all;
}

std::vector<ProcessIndex> chain_starts(const WaitGraph& graph) {
  const std::size_t count = graph.joined().survey.processes.size();
  std::vector<bool> waits(count), wanted(count);
  for (std::uint32_t p = 0; p < count; ++p) {
    for (const ThreadParties& thread : graph.threads_of(ProcessIndex{p})) {
      for (const Party& party : thread.parties) {
        if (!leads_on(party, Reached::kByChain)) continue;
        for (const ProcessIndex whom : party.whom) {
          if (number(whom) == p) continue;
          waits[p] = true;
          wanted[number(whom)] = true;
        }
      }
    }
  }
  std::vector<ProcessIndex> starts;
  for (std::uint32_t p = 0; p < count; ++p) {
    if (waits[p] && !wanted[p]) starts.push_back(ProcessIndex{p});
  }
  // What is left is in rings, or behind one.
  std::vector<bool> covered(count);
  for (const ProcessIndex process : reached_from(graph, starts)) covered[number(process)] = true;
  for (std::uint32_t p = 0; p < count; ++p) {
    const bool alone = !graph.can_go_on(ProcessIndex{p});
    if (covered[p] || !(waits[p] || alone)) continue;
    starts.push_back(ProcessIndex{p});
    const std::array one = {ProcessIndex{p}};
    for (const ProcessIndex process : reached_from(graph, one)) covered[number(process)] = true;
  }
  return starts;
}

}  // namespace plumb::detect
