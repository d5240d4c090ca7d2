// SPDX-License-Identifier: Apache-2.0
// Finding and adding the processes that no iterator shows.
#include "detect/source/unseen_processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "detect/source/process_reader.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// Fills in how many descriptors the process has and why they cannot be read. One that /proc lets
// read although the iterators did not show it is hidden from BPF alone: EPERM.
void read_table(const UniqueFd& directory, ProcReader& reader, Process& process) {
  std::vector<std::int32_t> numbers;
  const auto descriptors = open_directory(directory, "fd");
  if (!descriptors || !reader.list(descriptors, numbers)) {
    process.error = descriptors ? reader.error() : errno;
    return;
  }
  process.descriptors = static_cast<std::uint32_t>(numbers.size());
  const bool readable =
      numbers.empty() || reader.link(descriptors, ProcPath(numbers.front()).c_str());
  process.error = readable ? EPERM : reader.error();
}

// Whether /proc shows the pid namespace that this process is in, which is that of the iterators.
bool is_of_our_namespace(const UniqueFd& proc, ProcReader& reader) {
  const auto self = reader.link(proc, "self");
  return self && parse_number<pid_t>(*self) == ::getpid();
}

// Brings the processes into order; what points at them by index follows.
void sort_by_pid(Survey& survey) {
  std::vector<std::uint32_t> order(survey.processes.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return survey.processes[i].key.pid; });
  std::vector<Process> sorted;
  sorted.reserve(order.size());
  std::vector<ProcessIndex> moved_to(order.size());
  for (const std::uint32_t from : order) {
    moved_to[from] = ProcessIndex(static_cast<std::uint32_t>(sorted.size()));
    sorted.push_back(survey.processes[from]);
  }
  survey.processes = std::move(sorted);
  for (Descriptor& descriptor : survey.descriptors) {
    descriptor.process = moved_to[number(descriptor.process)];
  }
}

}  // namespace

void add_unseen_processes(Survey& survey, const SurveyRequest& request) {
  const UniqueFd proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ProcReader reader;
  std::vector<std::int32_t> pids;
  if (!proc || !reader.list(proc, pids)) return;

  if (!is_of_our_namespace(proc, reader)) return;

  // A process gets its start time before it stands in the kernel's list: one that is younger than a
  // second may have missed the pass by that.
  const auto oldest = survey.taken.time_since_epoch() - std::chrono::seconds(1);
  const auto young = std::chrono::duration_cast<Ticks>(oldest);
  const std::size_t seen = survey.processes.size();
  ProcessReader processes(survey, request);
  for (const std::int32_t pid : pids) {
    const auto known = survey.processes.begin() + static_cast<std::ptrdiff_t>(seen);
    const auto at =
        std::lower_bound(survey.processes.begin(), known, Pid(pid),
                         [](const Process& p, Pid wanted) { return p.key.pid < wanted; });
    if (at != known && at->key.pid == Pid(pid)) continue;
    const auto directory = open_directory(proc, ProcPath(pid).c_str());
    if (!directory || !processes.read(directory, Pid(pid))) continue;
    Process& process = survey.processes.back();
    if (process.key.start >= young) {
      processes.forget_last();
    } else {
      read_table(directory, reader, process);
    }
  }
  if (survey.processes.size() != seen) sort_by_pid(survey);
}

}  // namespace plumb::detect
