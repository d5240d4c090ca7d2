// SPDX-License-Identifier: Apache-2.0
// lock-held: a process waits for a lock of a file (flock(2), fcntl(2)) that another one keeps. That
// it was not given back in between is proven by who slept all the time: a waiter is woken whenever
// the lock is released, a holder must run to release it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "detect/model/command.h"
#include "detect/model/wait_chain.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kLeastWait = 8s;
constexpr std::size_t kMany = 5;  // that wait, whoever was asked about

// A thread that waits for a lock, and who has that.
struct Wanted {
  ThreadIndex thread{};
  ProcessIndex holder{};
  std::size_t holders = 1;
  DescriptorIndex on{};  // the waiter's own
  std::string_view call;
};

const FileLock* lock_on(const Survey& survey, const Descriptor& row, Pid waiter) {
  const auto same = [&](const FileLock& lock) {
    return lock.inode == row.inode && lock.device_major == row.device_major &&
           lock.device_minor == row.device_minor &&
           std::ranges::any_of(lock.waiters, [&](Pid p) { return p == waiter || p == Pid{}; });
  };
  const auto found = std::ranges::find_if(survey.locks, same);
  return found == survey.locks.end() ? nullptr : &*found;
}

// Who took it goes before those who have inherited it.
ProcessIndex main_holder(const Survey& survey, const Party& party, const FileLock* lock) {
  for (const ProcessIndex whom : party.whom) {
    const bool took = lock != nullptr && lock->taker == survey.processes[number(whom)].key.pid;
    if (took) return whom;
  }
  return party.whom.front();
}

std::vector<Wanted> wanted_by(const WaitGraph& graph, ProcessIndex waiter) {
  const Survey& survey = graph.joined().survey;
  std::vector<Wanted> all;
  for (const ThreadParties& thread : graph.threads_of(waiter)) {
    for (const Party& party : thread.parties) {
      if (party.via != PartyVia::kLock || party.whom.empty() || !party.on) continue;
      const Pid own = survey.processes[number(waiter)].key.pid;
      const FileLock* lock = lock_on(survey, graph.joined().row(*party.on), own);
      all.push_back({thread.thread, main_holder(survey, party, lock), party.whom.size(), *party.on,
                     thread.wait.call});
    }
  }
  return all;
}

// Whether its only thread has slept in one call since the first look and has not woken once.
bool slept_through(const Facts& facts, ProcessIndex p) {
  const Tracked* tracked = facts.tracked(p);
  return tracked != nullptr && facts.earlier(p) && facts.process(p).thread_count == 1U &&
         tracked->sleeps && tracked->slept == 0 && facts.waits_all_along(p);
}

// Whether the same thread has waited for the same lock of the same process at the first look too.
bool waited_before(const Facts& facts, const WaitGraph& first, ProcessIndex waiter,
                   const Wanted& now) {
  const auto before = facts.earlier(waiter);
  if (!before) return false;
  const Survey& survey = facts.now.survey;
  const Survey& earlier = facts.first.survey;
  return std::ranges::any_of(wanted_by(first, *before), [&](const Wanted& then) {
    return earlier.threads[number(then.thread)].tid == survey.threads[number(now.thread)].tid &&
           earlier.processes[number(then.holder)].key == facts.process(now.holder).key &&
           facts.first.row(then.on).inode == facts.now.row(now.on).inode;
  });
}

struct Held {
  std::vector<ProcessIndex> waiters;
  Wanted example;
};

std::string_view words_of(FileLock::Sort sort) {
  switch (sort) {
    case FileLock::Sort::kFlock:
      return "flock(2)";
    case FileLock::Sort::kPosix:
      return "fcntl(2), of the whole process";
    case FileLock::Sort::kOpenFile:
      return "fcntl(2), of the open file";
  }
  return "";
}

std::string age_text(const Facts& facts, ProcessIndex p) {
  return human_duration(facts.now.survey.taken - BootTime(facts.process(p).key.start));
}

// What the holder does meanwhile, and who must act so that it goes on.
void add_holder(const Facts& facts, const WaitGraph& graph, ProcessIndex holder, Finding& finding) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, holder);
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "{} must give the lock back, or end; who wants it should wait with a time limit (flock -w)",
      who);
  const auto ends = chain_ends(graph, holder, 1);
  if (ends.empty()) return;
  const ChainEnd& end = ends.front();
  const bool ring = end.reason == EndReason::kLocked;
  const ProcessIndex last = ring ? end.ring.front() : end.way.back();
  std::string way;
  for (const ProcessIndex step : end.way) {
    if (step != holder) way += (way.empty() ? "" : " → ") + name_with_pid(survey, step);
  }
  finding.evidence.push_back(
      {"meanwhile", last == holder
                        ? fmt::format("{} {}", who, sentence_of(end.reason))
                        : fmt::format("{} waits for {}, which {}", who, name_with_pid(survey, last),
                                      sentence_of(end.reason))});
  if (end.way.size() > 2) finding.evidence.push_back({"over", way});
  if (last == holder) return;
  finding.whose_move = name_with_pid(survey, last);
  finding.remedy = fmt::format(
      "{} must go on or end; {} should not wait for it while it has the lock, and who wants that "
      "should have a time limit (flock -w)",
      finding.whose_move, who);
}

Finding describe(const Facts& facts, const WaitGraph& graph, ProcessIndex holder,
                 const Held& held) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, holder);
  const ProcessIndex example = held.waiters.front();
  const Descriptor& row = facts.now.row(held.example.on);
  const std::string file(row.name.empty() ? fmt::format("file {}", row.inode)
                                          : std::string(survey.texts.at(row.name)));
  const std::string waiters =
      held.waiters.size() == 1 ? name_with_pid(survey, example) + " waits"
                               : fmt::format("{} and {} wait", name_with_pid(survey, example),
                                             counted(held.waiters.size() - 1, "other", "others"));
  Finding finding;
  finding.id = id::kLockHeld;
  finding.subject = subject_of(survey, holder);
  finding.severity = held.waiters.size() >= kMany ? Severity::kWarning : Severity::kInfo;
  finding.confidence = 0.95;
  finding.weight = held.waiters.size();
  finding.summary = fmt::format("{} keeps the lock of {}, for which {}", who, file, waiters);
  const std::string least = human_duration(facts.observed());
  if (const FileLock* lock = lock_on(survey, row, facts.process(example).key.pid)) {
    finding.evidence.push_back({"lock", std::string(words_of(lock->sort))});
  }
  finding.evidence.push_back(
      {"held", fmt::format("for {} or longer, never given back meanwhile; {} has run for {}", least,
                           who, age_text(facts, holder))});
  finding.evidence.push_back(
      {"command", short_command(command_of(survey, facts.process(holder)), 56)});
  if (held.example.holders > 1) {
    finding.evidence.push_back(
        {"shared", fmt::format("with {} that got the open file from it",
                               counted(held.example.holders - 1, "process", "processes"))});
  }
  finding.evidence.push_back(
      {"waits", fmt::format("{} in {} of fd {}, for {} to {}", name_with_pid(survey, example),
                            held.example.call, number(row.fd), least, age_text(facts, example))});
  for (const ProcessIndex one : held.waiters) finding.leads_to.push_back(facts.process(one).key);
  add_holder(facts, graph, holder, finding);
  return finding;
}

}  // namespace

void find_lock_held(const Facts& facts, std::vector<Finding>& found) {
  const bool any = !facts.now.survey.locks.empty() && !facts.first.survey.locks.empty();
  if (!any || facts.observed() < kLeastWait) return;
  const WaitGraph graph(facts.now);
  const WaitGraph first(facts.first);
  std::map<ProcessIndex, Held> holders;
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    const ProcessIndex waiter{p};
    for (const Wanted& wanted : wanted_by(graph, waiter)) {
      if (wanted.holder == waiter || !waited_before(facts, first, waiter, wanted)) continue;
      if (!slept_through(facts, waiter) && !slept_through(facts, wanted.holder)) continue;
      // Those that wait for each other are told as a ring.
      const auto ring = graph.ring_of(waiter);
      const bool both =
          std::ranges::count(ring, waiter) + std::ranges::count(ring, wanted.holder) > 1;
      if (both) continue;
      Held& held = holders[wanted.holder];
      if (held.waiters.empty()) held.example = wanted;
      if (held.waiters.empty() || held.waiters.back() != waiter) held.waiters.push_back(waiter);
    }
  }
  for (const auto& [holder, held] : holders) {
    found.push_back(describe(facts, graph, holder, held));
  }
}

}  // namespace plumb::detect
