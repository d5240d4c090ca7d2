// SPDX-License-Identifier: Apache-2.0
// Which fields of a survey two sources must agree on. Left out are the kernel's names for open
// files and sockets, which differ by design, and times that go on while one looks.
#include "survey_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

namespace plumb::detect {
namespace {

const std::string kUnknown = "unknown";

template <typename T>
std::string shown(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : kUnknown;
}

std::string subject_of(const Joined& joined, DescriptorIndex d) {
  const auto& row = joined.row(d);
  const auto pid = number(joined.holder(d).key.pid);
  if (number(row.table) != 0)
    return fmt::format("{}:{}/{}", pid, number(row.table), number(row.fd));
  return fmt::format("{}/{}", pid, number(row.fd));
}

template <typename Range>
std::string subjects_of(const Joined& joined, const Range& descriptors) {
  std::set<std::string> names;
  for (const auto d : descriptors) names.insert(subject_of(joined, d));
  return fmt::format("{}", fmt::join(names, " "));
}

std::string endpoint(const IpEndpoint& end) {
  return fmt::format("{:02x}:{}", fmt::join(end.address, ""), end.port);
}

void add_socket(const Joined& joined, const Socket& socket, Fields& fields) {
  fields["family"] = std::to_string(socket.family);
  fields["type"] = std::to_string(socket.type);
  fields["protocol"] = std::to_string(socket.protocol);
  fields["state"] = socket.state == SocketState::kUnknown
                        ? kUnknown
                        : std::to_string(static_cast<int>(socket.state));
  fields["net namespace"] =
      socket.net_namespace == 0 ? kUnknown : std::to_string(socket.net_namespace);
  fields["local"] = endpoint(socket.local);
  fields["remote"] = endpoint(socket.remote);
  fields["path"] = std::string(joined.survey.texts.at(socket.path));
  fields["interface"] = std::to_string(socket.device);
  fields["in a queue"] = std::to_string(socket.peer_in_queue);
  fields["receive queue"] = shown(socket.receive_queue);
  fields["send queue"] = shown(socket.send_queue);
  fields["accept queue"] = shown(socket.accept_queue);
  fields["backlog"] = shown(socket.backlog);
  fields["was sent to"] = std::to_string(socket.last_sent.has_value());
  fields["was received from"] = std::to_string(socket.last_received.has_value());
  fields["shut"] = fmt::format("{}{}", socket.shut_receive, socket.shut_send);
}

struct DetailText {
  std::string operator()(const EpollDetail& d) const {
    std::string text = "epoll";
    for (const auto& w : d.watches) {
      text += fmt::format(" {}:{:x}:{:x}:{}", number(w.fd), w.events, w.data, w.inode);
    }
    return text;
  }
  std::string operator()(const EventfdDetail& d) const {
    return fmt::format("eventfd {} id {}", d.count, shown(d.id));
  }
  // The time that remains goes on: to the minute.
  std::string operator()(const TimerfdDetail& d) const {
    return fmt::format("timerfd {} {} {} {}", d.clock, d.expirations,
                       std::chrono::duration_cast<std::chrono::hours>(d.remaining).count(),
                       d.interval.count());
  }
  std::string operator()(const SignalfdDetail& d) const {
    return fmt::format("signalfd {:x}", d.mask);
  }
  std::string operator()(const InotifyDetail& d) const {
    std::string text = "inotify";
    for (const auto& w : d.watches) {
      text += fmt::format(" {}:{}:{}:{}:{:x}", w.watch, w.inode, w.device_major, w.device_minor,
                          w.mask);
    }
    return text;
  }
  std::string operator()(const FanotifyDetail& d) const {
    return fmt::format("fanotify {:x} {:x} {}", d.flags, d.event_flags, d.marks);
  }
  std::string operator()(const PidfdDetail& d) const {
    return fmt::format("pidfd {}", d.pid ? number(*d.pid) : 0);
  }
  std::string operator()(const BpfDetail& d) const {
    return fmt::format("bpf {} {}", d.id, d.type);
  }
  std::string operator()(const IoUringDetail& d) const {
    return fmt::format("io_uring {} {} {} {}", d.submissions_pending, d.completions_pending,
                       d.registered_files, d.registered_buffers);
  }
  std::string operator()(const PtyDetail& d) const {
    return fmt::format("pty {} {}", d.index, d.master);
  }
  std::string operator()(const DmabufDetail& d) const { return fmt::format("dmabuf {}", d.bytes); }
};

Fields fields_of(const Joined& joined, DescriptorIndex d) {
  const auto& row = joined.row(d);
  const auto& survey = joined.survey;
  Fields fields;
  fields["kind"] = std::string(name_of(row.kind));
  fields["close on exec"] = std::to_string(row.close_on_exec);
  fields["unlinked"] = std::to_string(row.unlinked);
  fields["mode"] = fmt::format("{:o}", row.mode);
  fields["flags"] = fmt::format("{:o}", row.flags);
  fields["device"] = fmt::format("{}:{}", row.device_major, row.device_minor);
  fields["device node"] = fmt::format("{}:{}", row.rdev_major, row.rdev_minor);
  fields["inode"] = std::to_string(row.inode);
  fields["position"] = std::to_string(row.position);
  fields["size"] = std::to_string(row.size);
  fields["disk bytes"] = std::to_string(row.disk_bytes);
  fields["name"] = std::string(survey.texts.at(row.name));
  fields["error"] = std::to_string(row.error);
  const auto* detail = survey.detail_of(row);
  fields["detail"] = detail != nullptr ? std::visit(DetailText{}, *detail) : "none";
  if (const auto* socket = survey.socket_of(row)) add_socket(joined, *socket, fields);
  const auto end = joined.ends.of(d);
  fields["end"] = fmt::format("{} {}", name_of(end.state), subjects_of(joined, end.holders));
  fields["shared"] = subjects_of(joined, joined.sharing.holders_of(d));
  return fields;
}

Fields fields_of(const Survey& survey, const Process& process) {
  Fields fields;
  fields["start"] = std::to_string(process.key.start.count());
  fields["parent"] = std::to_string(number(process.parent));
  fields["own pid"] = process.own_pid ? std::to_string(number(*process.own_pid)) : "unknown";
  fields["uid"] = std::to_string(number(process.uid));
  fields["state"] = std::string(1, static_cast<char>(process.state));
  fields["name"] = std::string(survey.texts.at(process.name));
  fields["command line"] = std::string(survey.texts.at(process.command_line));
  fields["cgroup"] = std::string(survey.texts.at(process.cgroup));
  fields["namespaces"] = fmt::format("{} {} {} {}", process.namespaces.pid, process.namespaces.mnt,
                                     process.namespaces.net, process.namespaces.user);
  fields["limit"] = shown(process.descriptor_limit);
  fields["hard limit"] = shown(process.descriptor_hard_limit);
  fields["descriptors"] = shown(process.descriptors);
  fields["threads"] = shown(process.thread_count);
  fields["listed threads"] = std::to_string(process.listed_threads);
  fields["virtual bytes"] = shown(process.virtual_bytes);
  fields["error"] = std::to_string(process.error);
  return fields;
}

Fields fields_of(const Survey& survey, const Thread& thread) {
  Fields fields;
  fields["state"] = std::string(1, static_cast<char>(thread.state));
  fields["name"] = std::string(survey.texts.at(thread.name));
  fields["waits in"] = "nothing";
  if (thread.waits_in) {
    fields["waits in"] =
        fmt::format("{} {:x}", thread.waits_in->number, fmt::join(thread.waits_in->args, " "));
  }
  return fields;
}

std::string value_of(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? "-" : found->second;
}

}  // namespace

SurveyText text_of(const Joined& joined, const std::set<Pid>& pids) {
  SurveyText text;
  const auto& survey = joined.survey;
  for (const auto& process : survey.processes) {
    if (!pids.contains(process.key.pid)) continue;
    const auto name = std::to_string(number(process.key.pid));
    text[name] = fields_of(survey, process);
    for (std::uint32_t i = 0; i < process.listed_threads; ++i) {
      const auto& thread = survey.threads[process.first_thread + i];
      text[fmt::format("{} thread {}", name, number(thread.tid))] = fields_of(survey, thread);
    }
  }
  for (std::uint32_t i = 0; i < survey.descriptors.size(); ++i) {
    const DescriptorIndex d{i};
    if (pids.contains(joined.holder(d).key.pid)) text[subject_of(joined, d)] = fields_of(joined, d);
  }
  return text;
}

std::vector<std::string> differences(const SurveyText& one, const SurveyText& other) {
  std::vector<std::string> lines;
  for (const auto& [subject, fields] : one) {
    const auto match = other.find(subject);
    if (match == other.end()) {
      lines.push_back(subject + ": only in the first");
      continue;
    }
    std::set<std::string> names;
    for (const auto& [name, value] : fields) names.insert(name);
    for (const auto& [name, value] : match->second) names.insert(name);
    for (const auto& name : names) {
      const auto first = value_of(fields, name), second = value_of(match->second, name);
      if (first == second || first == kUnknown) continue;
      lines.push_back(fmt::format("{} {} {}: [{}] against [{}]", subject, value_of(fields, "kind"),
                                  name, first, second));
    }
  }
  for (const auto& [subject, fields] : other) {
    if (!one.contains(subject)) lines.push_back(subject + ": only in the second");
  }
  return lines;
}

}  // namespace plumb::detect
