// SPDX-License-Identifier: Apache-2.0
// Gathers thread rows.
#include "detect/source/process_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace plumb::detect {
namespace {

constexpr std::uint64_t kTick = 10'000'000;  // ns: plumb::Ticks

std::optional<std::uint64_t> limit(std::uint64_t value) {
  if (value == ~std::uint64_t{0}) return std::nullopt;  // RLIM_INFINITY
  return value;
}

Process process_of(const survey_thread& row, TextRef name, std::size_t page_bytes) {
  Process process;
  process.key = {Pid(row.pid), Ticks(static_cast<std::int64_t>(row.start / kTick))};
  process.parent = Pid(row.parent);
  if (row.own_pid > 0) process.own_pid = Pid(row.own_pid);
  process.uid = Uid(row.uid);
  process.state = run_state(row.state, row.exit_state);
  process.name = name;
  process.namespaces = {row.pid_namespace, row.mnt_namespace, row.net_namespace,
                        row.user_namespace};
  process.descriptor_limit = limit(row.descriptor_limit);
  process.descriptor_hard_limit = limit(row.descriptor_hard_limit);
  process.thread_count = row.threads;
  process.sleeps = row.sleeps;
  if (row.head.bits & SURVEY_HAS_MEMORY) {
    process.resident_bytes = row.resident_pages * page_bytes;
    process.virtual_bytes = row.virtual_pages * page_bytes;
    process.mappings = static_cast<std::uint32_t>(row.mappings);
  }
  return process;
}

}  // namespace

RunState run_state(std::uint32_t state, std::uint32_t exit_state) {
  // include/linux/sched.h
  constexpr std::uint32_t kUninterruptible = 0x2, kNoLoad = 0x400, kReported = 0x7f;
  constexpr std::uint32_t kLockWait = 0x1000, kFrozen = 0x8000;
  constexpr char kLetters[] = {'R', 'S', 'D', 'T', 't', 'X', 'Z', 'P'};
  const std::uint32_t both = state | exit_state;
  if ((both & (kUninterruptible | kNoLoad)) == (kUninterruptible | kNoLoad)) return RunState('I');
  if ((both & (kLockWait | kFrozen)) != 0 && (both & kReported) == 0) return RunState('D');
  return RunState(kLetters[std::bit_width(both & kReported)]);
}

void ProcessRows::add(const survey_thread& row, TextPool& texts) {
  const char* comm = reinterpret_cast<const char*>(row.comm);
  const TextRef name = texts.add({comm, ::strnlen(comm, sizeof row.comm)});
  Thread thread;
  thread.tid = Tid(row.tid);
  thread.state = run_state(row.state, row.exit_state);
  thread.name = name;
  if (row.head.bits & SURVEY_IN_SYSCALL) {
    BlockingCall& call = thread.waits_in.emplace();
    call.number = row.call;
    std::copy(std::begin(row.args), std::end(row.args), call.args.begin());
  }
  members_.push_back({row.pid, thread});
  if (row.head.bits & SURVEY_LEADER) {
    leaders_.push_back({process_of(row, name, page_bytes_),
                        {.start = row.start,
                         .cgroup = row.cgroup,
                         .has_files = (row.head.bits & SURVEY_HAS_FILES) != 0,
                         .has_memory = (row.head.bits & SURVEY_HAS_MEMORY) != 0}});
  }
}

void ProcessRows::settle(Survey& survey) {
  const auto by_pid = [](const Leader& leader) { return leader.process.key.pid; };
  // A number can come twice where its first owner died under the iterator: the later one counts.
  std::ranges::reverse(leaders_);
  std::ranges::stable_sort(leaders_, {}, by_pid);
  const auto again = std::ranges::unique(leaders_, {}, by_pid);
  leaders_.erase(again.begin(), again.end());
  std::ranges::stable_sort(members_, {}, [](const Member& member) {
    return std::tuple(member.pid, number(member.thread.tid) != member.pid, member.thread.tid);
  });

  survey.processes.reserve(leaders_.size());
  extras_.reserve(leaders_.size());
  survey.threads.reserve(members_.size());
  auto member = members_.begin();
  for (Leader& leader : leaders_) {
    const std::int32_t pid = number(leader.process.key.pid);
    while (member != members_.end() && member->pid < pid) ++member;
    leader.process.first_thread = static_cast<std::uint32_t>(survey.threads.size());
    for (; member != members_.end() && member->pid == pid; ++member) {
      survey.threads.push_back(member->thread);
      ++leader.process.listed_threads;
    }
    survey.processes.push_back(leader.process);
    extras_.push_back(leader.extra);
  }
  leaders_ = {};
  members_ = {};
}

std::optional<ProcessIndex> ProcessRows::find(const Survey& survey, std::int32_t pid,
                                              std::uint64_t start) const {
  const auto at = std::ranges::lower_bound(survey.processes, Pid(pid), {},
                                           [](const Process& process) { return process.key.pid; });
  if (at == survey.processes.end() || at->key.pid != Pid(pid)) return std::nullopt;
  const auto index = static_cast<std::uint32_t>(at - survey.processes.begin());
  if (extras_[index].start != start) return std::nullopt;
  return ProcessIndex(index);
}

}  // namespace plumb::detect
