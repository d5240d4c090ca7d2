// SPDX-License-Identifier: Apache-2.0
// Taking down what is made and what is left.
#include "app/cli/check_watch.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "detect/model/joined.h"
#include "detect/report/describe.h"
#include "detect/report/terminal.h"
#include "detect/source/made_descriptors.h"
#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::size_t kMostCommand = 200;  // bytes of a command line that are told

std::string proc_file(Pid process, const char* name) {
  auto text = read_file("/proc/" + std::to_string(number(process)) + "/" + name, kProcessFileLimit);
  return text ? *std::move(text) : std::string();
}

std::string name_of_process(Pid process) {
  return std::string(trim(proc_file(process, "comm")));
}

std::string command_of(Pid process) {
  std::string line = proc_file(process, "cmdline");
  while (line.ends_with('\0')) line.pop_back();
  std::ranges::replace(line, '\0', ' ');
  if (line.size() > kMostCommand) line = line.substr(0, kMostCommand) + "…";
  return line;
}

// The descriptors of a process, by a thread that still has them.
std::set<std::int32_t> open_numbers(Pid process, Tid thread) {
  std::vector<std::int32_t> found;
  const std::string path = "/proc/" + std::to_string(number(process)) + "/task/" +
                           std::to_string(number(thread)) + "/fd";
  const UniqueFd folder = open_directory(UniqueFd(), path.c_str());
  ProcReader reader;
  if (folder) (void)reader.list(folder, found);
  return {found.begin(), found.end()};
}

// An ended process that its parent has not waited for.
bool is_zombie_of(Pid process, Pid parent) {
  const std::string text = proc_file(process, "stat");
  const auto stat = parse_stat(text);
  return stat && stat->state == RunState('Z') && stat->parent == parent;
}

}  // namespace

CheckWatch::Stack CheckWatch::take(Pid process, Tid thread) {
  const auto registers = ProcessFollower::registers(thread);
  return registers ? stacks_.take(process, thread, *registers) : nullptr;
}

void CheckWatch::put_stack(Leftover& left, const Stack& stack) {
  if (!stack) {
    left.no_stack = "its maker's memory could not be read";
    return;
  }
  left.stack = stacks_.name(*stack);
  left.cut = stack->cut();
}

void CheckWatch::describe(Leftover& left, Pid process) const {
  left.pid = process;
  left.process = name_of_process(process);
  left.command = command_of(process);
}

void CheckWatch::on_fork(Pid parent, Tid thread, Pid child) {
  ++processes_;
  if (closed_) return;
  Process& process = processes_by_pid_[child];
  process.parent = parent;
  process.forked = take(parent, thread);
  processes_by_pid_[parent].children.push_back(child);
}

void CheckWatch::on_begin(Pid process) {
  processes_by_pid_[process].born_with = open_numbers(process, Tid{number(process)});
}

// What it had from the program before is what the new one was started with.
void CheckWatch::on_exec(Pid process) {
  stacks_.forget(process);
  Process& known = processes_by_pid_[process];
  known.made.clear();
  known.threads.clear();
  known.born_with = open_numbers(process, Tid{number(process)});
  if (resources_ != nullptr) resources_->on_exec(process);
}

void CheckWatch::on_thread(Pid process, Tid starter, Tid thread) {
  if (closed_ || !wants_threads_) return;
  processes_by_pid_[process].threads[thread] = take(process, starter);
}

void CheckWatch::on_exit_call(Pid process, const std::vector<Tid>& others) {
  if (closed_ || !wants_threads_) return;
  const auto& threads = processes_by_pid_[process].threads;
  for (const Tid thread : others) {
    const auto started = threads.find(thread);
    if (started == threads.end()) continue;  // the first one, which nobody started
    Leftover left;
    left.what = Leftover::What::kThread;
    describe(left, process);
    left.name = clean(
        trim(proc_file(process, ("task/" + std::to_string(number(thread)) + "/comm").c_str())));
    put_stack(left, started->second);
    left_.push_back(std::move(left));
  }
}

bool CheckWatch::before_call(const ChosenCall& call) {
  if (makes_none(call)) return false;
  names_.before(call);
  return true;
}

void CheckWatch::after_call(const ChosenCall& call) {
  const auto serial = names_.after(call);
  if (call.result < 0 || closed_) return;
  auto made = made_descriptors(call);
  auto& known = processes_by_pid_[call.pid].made;
  // Another number of what it was started with is no more its own than the first.
  const bool foreign = made_by(call.call) == MadeBy::kDup &&
                       !known.contains(static_cast<std::int32_t>(call.arguments[0]));
  if (foreign) {
    for (const std::int32_t fd : made) known.erase(fd);
    processes_by_pid_[call.pid].born_with.insert(made.begin(), made.end());
    made.clear();
  }
  if (made.empty() && !serial) return;
  const Stack stack = take(call.pid, call.tid);
  if (serial) {
    name_stacks_[*serial] = stack;
    name_makers_[*serial] = name_of_process(call.pid);
  }
  ++acquisitions_;
  for (const std::int32_t fd : made) known[fd] = {call.call, acquisitions_, stack};
}

std::optional<Survey> CheckWatch::survey_of(std::vector<Pid> processes) {
  if (!source_) {
    auto opened = open_proc_survey("");
    if (!opened) return std::nullopt;
    source_ = *std::move(opened);
  }
  SurveyRequest request;
  request.only = std::move(processes);
  request.details = request.command_lines = request.threads = false;
  auto survey = source_->take(request);
  if (!survey) return std::nullopt;
  return *std::move(survey);
}

void CheckWatch::look_at_descriptors(Pid process, Tid thread, int status) {
  const Process& known = processes_by_pid_[process];
  std::set<std::int32_t> own = open_numbers(process, thread);
  std::erase_if(own, [&](std::int32_t fd) {
    return !known.made.contains(fd) && known.born_with.contains(fd);
  });
  if (own.empty()) return;
  const auto survey = survey_of({process});
  const auto index = survey ? find_process(*survey, process) : std::nullopt;
  if (!index) return;
  const Joined joined(*survey);
  for (const std::int32_t fd : own) {
    const auto row = joined.tables.find(*index, Fd{fd});
    if (!row) continue;
    const Descriptor& descriptor = joined.row(*row);
    Leftover left;
    left.kind = descriptor.kind;
    describe(left, process);
    left.status = status;
    left.fd = descriptor.fd;
    left.flags = descriptor.flags;
    const Socket* socket = survey->socket_of(descriptor);
    left.listener = socket != nullptr && socket->state == SocketState::kListen;
    append_name(left.name, joined, *row);
    append_other_end(left.other_end, joined, *row);
    if (const auto made = known.made.find(fd); made != known.made.end()) {
      left.call = made->second.call;
      left.acquisition = made->second.acquisition;
      put_stack(left, made->second.stack);
    } else {
      left.acquisition = ++acquisitions_;
      left.no_stack = "it came by a way on which processes are not stopped";
    }
    left_.push_back(std::move(left));
  }
}

void CheckWatch::look_at_children(Pid process) {
  for (const Pid child : processes_by_pid_[process].children) {
    const auto known = processes_by_pid_.find(child);
    if (known == processes_by_pid_.end() || !known->second.gone) continue;
    if (is_zombie_of(child, process)) {
      Leftover left;
      left.what = Leftover::What::kUnwaited;
      describe(left, child);
      put_stack(left, known->second.forked);
      left_.push_back(std::move(left));
    }
    processes_by_pid_.erase(known);
  }
}

void CheckWatch::look_at_resources(Pid process, Tid thread, int status) {
  Leftover holder;
  describe(holder, process);
  for (Leftover& left : resources_->take(process, thread, stacks_)) {
    left.pid = holder.pid;
    left.process = holder.process;
    left.command = holder.command;
    left.status = status;
    left.acquisition = ++acquisitions_;
    left_.push_back(std::move(left));
  }
}

void CheckWatch::on_end(Pid process, Tid thread, int status) {
  if (closed_) return;
  look_at_descriptors(process, thread, status);
  if (resources_ != nullptr) look_at_resources(process, thread, status);
  if (!WIFSIGNALED(status)) look_at_children(process);
}

void CheckWatch::on_gone(Pid process, int) {
  stacks_.forget(process);
  const auto known = processes_by_pid_.find(process);
  if (known == processes_by_pid_.end()) return;
  known->second.gone = true;
  known->second.made.clear();
}

void CheckWatch::leave_running(const std::vector<Pid>& alive) {
  closed_ = true;
  if (alive.empty()) return;
  const auto survey = survey_of(alive);
  for (const Pid process : alive) {
    const Process& known = processes_by_pid_[process];
    if (std::ranges::count(alive, known.parent) > 0) continue;
    Leftover left;
    left.what = Leftover::What::kRunning;
    describe(left, process);
    for (const Pid other : alive) {
      Pid above = processes_by_pid_[other].parent;
      while (number(above) != 0 && above != process) above = processes_by_pid_[above].parent;
      if (above == process) ++left.within;
    }
    if (survey) {
      const Joined joined(*survey);
      for (std::size_t d = 0; d < survey->descriptors.size(); ++d) {
        const Descriptor& row = survey->descriptors[d];
        const Socket* socket = survey->socket_of(row);
        if (survey->process_of(row).key.pid != process || socket == nullptr) continue;
        if (socket->state != SocketState::kListen) continue;
        if (!left.name.empty()) left.name += ", ";
        append_name(left.name, joined, DescriptorIndex(static_cast<std::uint32_t>(d)));
      }
    }
    put_stack(left, known.forked);
    left_.push_back(std::move(left));
  }
}

void CheckWatch::look_for_names() {
  for (const CreatedName& name : names_.left()) {
    Leftover left;
    left.what = Leftover::What::kFile;
    left.kind = name.directory ? Kind::kDirectory : Kind::kFile;
    left.pid = name.process;
    left.process = name_makers_[name.serial];
    left.call = name.call;
    left.name = clean(name.path);
    put_stack(left, name_stacks_[name.serial]);
    left_.push_back(std::move(left));
  }
}

}  // namespace plumb::app
