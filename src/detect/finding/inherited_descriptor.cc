// SPDX-License-Identifier: Apache-2.0
// inherited-descriptor: a program keeps a pipe or a listener that it knows nothing of, because
// FD_CLOEXEC was missing when it was started. The reader of the pipe never sees its end; the port
// stays taken after its server has gone.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/serving.h"
#include "detect/finding/wording.h"
#include "detect/model/command.h"
#include "detect/model/wait.h"
#include "detect/model/wait_reader.h"
#include "detect/model/waiting.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr Fd kFirstFree{3};  // below are the standard streams, which are meant to be inherited

bool below(const Facts& facts, ProcessIndex child, Pid ancestor) {
  ProcessIndex at = child;
  for (int steps = 0; steps < 64; ++steps) {
    const Pid parent = facts.process(at).parent;
    if (parent == ancestor) return true;
    const auto next = find_process(facts.now.survey, parent);
    if (!next || *next == at) return false;
    at = *next;
  }
  return false;
}

bool other_program(const Facts& facts, ProcessIndex left, ProcessIndex right) {
  const Survey& survey = facts.now.survey;
  return command_of(survey, facts.process(left)) != command_of(survey, facts.process(right));
}

// The child that R reads for has ended and is not waited for: R waits for the pipe's end first.
std::optional<ProcessIndex> ended_child(const Facts& facts, ProcessIndex reader) {
  for (std::uint32_t p = 0; p < facts.now.survey.processes.size(); ++p) {
    const Process& process = facts.now.survey.processes[p];
    if (process.parent == facts.process(reader).key.pid && process.state == RunState{'Z'}) {
      return ProcessIndex{p};
    }
  }
  return std::nullopt;
}

// The read end that the process's leader sleeps on: in read, or in a poll for nothing but pipes, as
// programs do that read a child's output and errors at once.
std::optional<DescriptorIndex> awaited_pipe(const Facts& facts, const WaitReader& reader,
                                            ProcessIndex p) {
  const Process& process = facts.process(p);
  const BlockingCall* call = leader_call(facts.now.survey, process);
  if (call == nullptr || process.listed_threads == 0) return std::nullopt;
  const std::string_view name = wait_of(*call).call;
  const bool reads = name.starts_with("read") || name.find("poll") != std::string_view::npos ||
                     name.find("select") != std::string_view::npos || name == "epoll_wait";
  if (!reads) return std::nullopt;
  std::optional<DescriptorIndex> pipe;
  bool others = false;
  reader.visit_waited(p, ThreadIndex{process.first_thread}, [&](DescriptorIndex d, WaitEvidence) {
    const Descriptor& row = facts.now.row(d);
    const bool is_pipe = row.kind == Kind::kPipe && (row.flags & O_ACCMODE) == O_RDONLY;
    others |= !is_pipe;
    if (is_pipe && (!pipe || facts.now.ends.of(d).state == EndState::kHeld)) pipe = d;
  });
  return others ? std::nullopt : pipe;
}

// All who can still write are other programs that got the end above the standard streams.
bool only_by_accident(const Facts& facts, ProcessIndex reader, const End& end) {
  const Pid family = facts.process(reader).parent;
  return std::ranges::all_of(end.holders, [&](DescriptorIndex d) {
    const Descriptor& row = facts.now.row(d);
    const bool kin = below(facts, row.process, facts.process(reader).key.pid) ||
                     facts.process(row.process).parent == Pid{1} ||
                     facts.process(row.process).parent == family;
    return row.process != reader && row.fd >= kFirstFree && !row.close_on_exec && kin &&
           other_program(facts, row.process, reader);
  });
}

// All who can still write have the end as a standard stream, and are not below the reader any more:
// a daemon that was started in the background keeps the output that was meant for its starter's.
bool left_behind(const Facts& facts, ProcessIndex reader, const Descriptor& read, const End& end) {
  const Process& process = facts.process(reader);
  return read.fd >= kFirstFree && std::ranges::all_of(end.holders, [&](DescriptorIndex d) {
           const Descriptor& row = facts.now.row(d);
           const Pid parent = facts.process(row.process).parent;
           return row.process != reader && row.fd < kFirstFree && parent != process.parent &&
                  !below(facts, row.process, process.key.pid) && below(facts, reader, parent);
         });
}

void describe_left_behind(const Facts& facts, ProcessIndex reader, const Descriptor& read,
                          const Descriptor& writer, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, reader);
  const std::string holder = name_with_pid(survey, writer.process);
  Finding finding;
  finding.id = id::kInheritedDescriptor;
  finding.subject = subject_of(survey, writer.process);
  finding.severity = Severity::kWarning;
  finding.confidence = 0.85;
  finding.measure = measure_of(Kind::kPipe);
  finding.weight = 1;
  finding.summary = fmt::format(
      "{} waits for the end of an output that {} has kept, whose starter has ended", who, holder);
  finding.evidence.push_back(
      {"reader", fmt::format("{} waits to read fd {}, at every look for {}", who, number(read.fd),
                             human_duration(facts.observed()))});
  finding.evidence.push_back(
      {"writer", fmt::format("{}, \"{}\", as its fd {}; nobody else has it", holder,
                             short_command(command_of(survey, facts.process(writer.process)), 40),
                             number(writer.fd))});
  finding.leads_to.push_back(facts.process(reader).key);
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "who starts {} in the background must give it another output (>/dev/null 2>&1); ending {} "
      "lets {} go on",
      survey.texts.at(facts.process(writer.process).name), holder, who);
  found.push_back(std::move(finding));
}

void look_at_reader(const Facts& facts, const WaitReader& reader, ProcessIndex p,
                    std::vector<Finding>& found) {
  const auto pipe = awaited_pipe(facts, reader, p);
  if (!pipe || !facts.waits_all_along(p)) return;
  const End end = facts.now.ends.of(*pipe);
  if (end.state != EndState::kHeld || end.holders.empty()) return;
  const Survey& survey = facts.now.survey;
  const std::string who = name_with_pid(survey, p);
  const Descriptor& writer = facts.now.row(end.holders.front());
  if (left_behind(facts, p, facts.now.row(*pipe), end)) {
    return describe_left_behind(facts, p, facts.now.row(*pipe), writer, found);
  }
  const bool self = facts.process(p).thread_count == 1U &&
                    std::ranges::all_of(end.holders, [&](DescriptorIndex d) {
                      return facts.now.row(d).process == p;
                    });
  if (!self && !only_by_accident(facts, p, end)) return;
  const auto dead = ended_child(facts, p);
  Finding finding;
  finding.id = id::kInheritedDescriptor;
  finding.subject = subject_of(survey, self ? p : writer.process);
  finding.severity = dead || self ? Severity::kWarning : Severity::kInfo;
  finding.confidence = dead || self ? 0.95 : 0.6;
  finding.measure = measure_of(Kind::kPipe);
  finding.weight = end.holders.size();
  const std::string holder = name_with_pid(survey, writer.process);
  finding.summary =
      self ? fmt::format("{} waits for the end of a pipe that it keeps open itself (fd {})", who,
                         number(writer.fd))
           : fmt::format("{} waits for the end of a pipe that {} keeps open by accident (fd {})",
                         who, holder, number(writer.fd));
  finding.evidence.push_back(
      {"reader", fmt::format("{} waits to read fd {}, at every look for {}", who,
                             number(facts.now.row(*pipe).fd), human_duration(facts.observed()))});
  finding.evidence.push_back(
      {"writer",
       self ? fmt::format("nobody else has it")
            : fmt::format("{}, \"{}\", without FD_CLOEXEC", holder,
                          short_command(command_of(survey, facts.process(writer.process)), 40))});
  if (dead) {
    finding.evidence.push_back({"ended", fmt::format("its child {} has ended and is not waited for",
                                                     name_with_pid(survey, *dead))});
  }
  finding.leads_to.push_back(facts.process(p).key);
  finding.whose_move = who;
  finding.remedy =
      self ? fmt::format("{} must close its own writing end before it reads", who)
           : fmt::format(
                 "who started {} must open its pipes with O_CLOEXEC (pipe2, popen \"e\"); "
                 "ending {} lets {} go on",
                 holder, holder, who);
  found.push_back(std::move(finding));
}

void look_at_listener(const Facts& facts, const WaitReader& reader, DescriptorIndex d,
                      std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const Descriptor& row = facts.now.row(d);
  const Socket& socket = *survey.socket_of(row);
  if (row.close_on_exec || row.fd < kFirstFree || !facts.waits_all_along(row.process)) return;
  if (anybody_serves(facts.now, reader, d) != Serving::kNo) return;
  // Its server would hold it still: here every holder is a process that others have started and
  // that has no client of this port.
  const auto holders = facts.now.sharing.holders_of(d);
  const bool clients = std::ranges::any_of(survey.sockets, [&](const Socket& other) {
    return other.local.port == socket.local.port && other.state == SocketState::kEstablished &&
           other.net_namespace == socket.net_namespace;
  });
  if (clients) return;
  const std::string who = name_with_pid(survey, row.process);
  const std::string where =
      socket.local.port != 0 ? fmt::format(":{}", socket.local.port) : socket_text(survey, socket);
  Finding finding;
  finding.id = id::kInheritedDescriptor;
  finding.subject = subject_of(survey, row.process);
  // A program of many threads may have opened it itself and not be ready yet; a sleep or a tail has
  // not.
  const std::uint32_t queue = socket.accept_queue.value_or(0);
  const bool surely = facts.process(row.process).thread_count == 1U || queue > 0;
  finding.severity = surely ? Severity::kWarning : Severity::kInfo;
  finding.confidence = surely ? 0.85 : 0.5;
  finding.measure = measure_of(row.kind);
  finding.weight = holders.size();
  finding.summary =
      fmt::format("{} keeps the listener {} (fd {}) and never accepts", who, where, number(row.fd));
  finding.evidence.push_back(
      {"command", short_command(command_of(survey, facts.process(row.process)), 56)});
  finding.evidence.push_back({"close on exec", "not set: so it comes over an exec"});
  finding.evidence.push_back(
      {"queue", fmt::format("{} of {} wait for nobody", queue, socket.backlog.value_or(0))});
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "the server that started it must open its listener with SOCK_CLOEXEC; "
      "ending {} frees {}",
      who, where);
  found.push_back(std::move(finding));
}

}  // namespace

void find_inherited_descriptor(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  const WaitReader reader(facts.now);
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    look_at_reader(facts, reader, ProcessIndex{p}, found);
  }
  std::vector<bool> seen(survey.sockets.size());
  for (std::uint32_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (socket == nullptr || socket->state != SocketState::kListen) continue;
    if (seen[number(*row.socket)]) continue;
    seen[number(*row.socket)] = true;
    look_at_listener(facts, reader, DescriptorIndex{d}, found);
  }
}

}  // namespace plumb::detect
