// SPDX-License-Identifier: Apache-2.0
// Which files of /proc/PID make a row. A kernel thread has no descriptors, no limits that bind it
// and no arguments: three reads suffice for it.
#include "detect/source/process_reader.h"

#include <sys/stat.h>

#include <cerrno>

#include "detect/source/process_files.h"

namespace plumb::detect {
namespace {

// Waits for something. A thread that runs or was stopped is in no call, whatever its registers say.
bool is_asleep(RunState state) {
  return state == RunState('S') || state == RunState('D');
}

bool is_gone(int error) {
  return error == ESRCH || error == ENOENT;
}

}  // namespace

std::optional<ProcessIndex> ProcessReader::read(const UniqueFd& directory, Pid pid) {
  const auto text = reader_.read(directory, "stat", kProcessFileLimit);
  const auto stat = text ? parse_stat(*text) : std::nullopt;
  if (!stat) {
    if (text || is_gone(reader_.error())) return std::nullopt;
    // A /proc mounted with hidepid shows a number and nothing else.
    Process unreadable;
    unreadable.key.pid = pid;
    unreadable.error = reader_.error();
    survey_.processes.push_back(unreadable);
    return ProcessIndex(static_cast<std::uint32_t>(survey_.processes.size() - 1));
  }
  Process process;
  process.key = {pid, stat->start};
  process.parent = stat->parent;
  process.state = stat->state;
  process.name = survey_.texts.add(stat->name);
  process.thread_count = stat->threads;
  read_status(directory, process);
  if (const auto cgroup = reader_.read(directory, "cgroup", kProcessFileLimit)) {
    process.cgroup = survey_.texts.add(parse_cgroup(*cgroup));
  }
  read_namespaces(directory, process);
  if (!stat->kernel_thread) {
    read_limits(directory, process);
    const auto arguments = request_.command_lines
                               ? reader_.read(directory, "cmdline", kCommandLineLimit)
                               : std::nullopt;
    if (arguments) process.command_line = survey_.texts.add(*arguments);
  }
  process.first_thread = static_cast<std::uint32_t>(survey_.threads.size());
  if (request_.threads && stat->threads > 1) {
    read_threads(directory);
  } else {
    survey_.threads.push_back({.tid = Tid(number(pid)),
                               .state = stat->state,
                               .name = process.name,
                               .waits_in = stat->kernel_thread || !is_asleep(stat->state)
                                               ? std::nullopt
                                               : read_call(directory, "syscall")});
  }
  process.listed_threads =
      static_cast<std::uint32_t>(survey_.threads.size()) - process.first_thread;
  survey_.processes.push_back(process);
  return ProcessIndex(static_cast<std::uint32_t>(survey_.processes.size() - 1));
}

void ProcessReader::forget_last() {
  survey_.threads.resize(survey_.processes.back().first_thread);
  survey_.processes.pop_back();
}

void ProcessReader::read_status(const UniqueFd& directory, Process& process) {
  const auto text = reader_.read(directory, "status", kProcessFileLimit);
  if (!text) return;
  const auto status = parse_status(*text);
  if (status.uid) process.uid = *status.uid;
  process.own_pid = status.own_pid;
  process.resident_bytes = status.resident_bytes;
  process.virtual_bytes = status.virtual_bytes;
  process.sleeps = status.sleeps;
}

void ProcessReader::read_limits(const UniqueFd& directory, Process& process) {
  const auto text = reader_.read(directory, "limits", kProcessFileLimit);
  if (!text) return;
  const auto limits = parse_limits(*text);
  process.descriptor_limit = limits.soft;
  process.descriptor_hard_limit = limits.hard;
}

void ProcessReader::read_namespaces(const UniqueFd& directory, Process& process) {
  const auto inode_of = [&](const char* path) -> std::uint32_t {
    const auto text = reader_.link(directory, path);
    return text ? parse_namespace_link(*text).value_or(0) : 0;
  };
  process.namespaces.pid = inode_of("ns/pid");
  if (process.namespaces.pid == 0) return;  // who may not see one may see none
  process.namespaces.mnt = inode_of("ns/mnt");
  process.namespaces.net = inode_of("ns/net");
  process.namespaces.user = inode_of("ns/user");
}

void ProcessReader::read_threads(const UniqueFd& directory) {
  const auto tasks = open_directory(directory, "task");
  if (!tasks || !reader_.list(tasks, numbers_)) return;
  for (const auto tid : numbers_) {
    const auto text = reader_.read(tasks, ProcPath(tid, "/stat").c_str(), kProcessFileLimit);
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    if (!stat) continue;  // ended meanwhile
    Thread thread;
    thread.tid = Tid(tid);
    thread.state = stat->state;
    thread.name = survey_.texts.add(stat->name);
    if (is_asleep(stat->state)) {
      thread.waits_in = read_call(tasks, ProcPath(tid, "/syscall").c_str());
    }
    survey_.threads.push_back(thread);
  }
}

std::optional<BlockingCall> ProcessReader::read_call(const UniqueFd& directory, const char* path) {
  const auto text = reader_.read(directory, path, kProcessFileLimit);
  if (text) return parse_syscall(*text);
  if (!is_gone(reader_.error())) ++hidden_calls_;
  return std::nullopt;
}

}  // namespace plumb::detect
