// SPDX-License-Identifier: Apache-2.0
// The graph's construction, and who can go on in it.
#include "detect/model/wait_graph.h"

#include <algorithm>
#include <array>

#include "detect/model/wait_reader.h"

namespace plumb::detect {
namespace {

constexpr std::array<std::string_view, 13> kPartyKinds = {
    "process", "thread", "own",   "clients", "outside", "nobody", "unseen",
    "timer",   "signal", "event", "device",  "futex",   "unknown"};
constexpr std::array<std::string_view, 10> kPartyVias = {
    "none",  "other-end", "accept-queue", "same-file", "child",
    "pidfd", "lock",      "mutex",        "join",      "tracer"};

}  // namespace

std::string_view name_of(PartyKind kind) {
  return kPartyKinds[static_cast<std::size_t>(kind)];
}

std::string_view name_of(PartyVia via) {
  return kPartyVias[static_cast<std::size_t>(via)];
}

WaitGraph::WaitGraph(const Joined& joined) : joined_(joined) {
  const Survey& survey = joined.survey;
  threads_.resize(survey.threads.size());
  const WaitReader reader(joined);
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    const Process& process = survey.processes[p];
    for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
      const ThreadIndex thread{process.first_thread + t};
      threads_[number(thread)] = reader.read(ProcessIndex{p}, thread);
    }
  }
  settle_live();
}

std::span<const ThreadParties> WaitGraph::threads_of(ProcessIndex process) const {
  const Process& row = joined_.survey.processes[number(process)];
  return std::span(threads_).subspan(row.first_thread, row.listed_threads);
}

// Whether the thread goes on without a party of the graph: it is not asleep in a call, has a
// timeout, or waits for something that can always come.
bool WaitGraph::escapes(const ThreadParties& thread) const {
  if (thread.parties.empty() || thread.timeout || thread.cut != 0) return true;
  return std::ranges::any_of(thread.parties, [](const Party& party) {
    const bool in_graph = party.kind == PartyKind::kProcess || party.kind == PartyKind::kThread;
    if (in_graph) return party.whom_total > party.whom.size();
    // A blocking read of what only oneself can write to ends no more; a wake-up pipe in a list is
    // written to by a signal's handler.
    return party.kind != PartyKind::kOwn || party.evidence != WaitEvidence::kArgument;
  });
}

// Backwards from those who go on by themselves: whoever waits for one of them goes on too.
void WaitGraph::settle_live() {
  const Survey& survey = joined_.survey;
  live_.assign(survey.processes.size(), false);
  std::vector<bool> live_thread(threads_.size());
  std::vector<std::vector<std::uint32_t>> of_process(survey.processes.size());  // waiting threads
  std::vector<std::vector<std::uint32_t>> of_thread(threads_.size());
  std::vector<std::uint32_t> work;
  const auto set_live = [&](std::uint32_t thread) {
    if (live_thread[thread]) return;
    live_thread[thread] = true;
    work.push_back(thread);
  };
  const auto process_lives = [&](std::uint32_t process) {
    if (live_[process]) return;
    live_[process] = true;
    for (const std::uint32_t waiter : of_process[process]) set_live(waiter);
  };
  for (std::uint32_t t = 0; t < threads_.size(); ++t) {
    for (const Party& party : threads_[t].parties) {
      for (const ProcessIndex whom : party.whom) of_process[number(whom)].push_back(t);
      if (party.thread) of_thread[number(*party.thread)].push_back(t);
    }
  }
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    // Of one that may not be read, or has ended, nothing is known that could lock it.
    if (survey.processes[p].listed_threads == 0) process_lives(p);
  }
  for (std::uint32_t t = 0; t < threads_.size(); ++t) {
    if (escapes(threads_[t])) set_live(t);
  }
  while (!work.empty()) {
    const std::uint32_t thread = work.back();
    work.pop_back();
    for (const std::uint32_t waiter : of_thread[thread]) set_live(waiter);
    process_lives(number(threads_[thread].process));
  }
}

// From one that is locked every way leads to others that are: the first one leads into a ring.
std::vector<ProcessIndex> WaitGraph::ring_of(ProcessIndex process) const {
  std::vector<ProcessIndex> way;
  while (!can_go_on(process)) {
    const auto again = std::ranges::find(way, process);
    if (again != way.end()) return {again, way.end()};
    way.push_back(process);
    const auto threads = threads_of(process);
    std::optional<ProcessIndex> next;
    for (const ThreadParties& thread : threads) {
      for (const Party& party : thread.parties) {
        if (!party.whom.empty()) next = party.whom.front();
        if (next) break;
      }
      if (next) break;
    }
    if (!next) return {process};  // its own threads wait for each other
    process = *next;
  }
  return {};
}

}  // namespace plumb::detect
