// SPDX-License-Identifier: Apache-2.0
// The fields of a survey's facts, as they stand in a recording. What points to another fact by its
// place is named by what it is known by instead: a process by its number, a socket by its id.
#pragma once

#include <optional>
#include <vector>

#include "detect/record/fact_json.h"
#include "detect/record/fact_set.h"
#include "detect/record/mark.h"
#include "detect/record/rerun.h"
#include "detect/record/survey.h"
#include "detect/record/trace_event.h"

namespace plumb::detect {

template <>
inline constexpr auto kMostOf<FileLock::Sort> = number(FileLock::Sort::kOpenFile);
template <>
inline constexpr auto kMostOf<Survey::Source> = number(Survey::Source::kProc);
template <>
inline constexpr auto kMostOf<Mark::Source> = number(Mark::Source::kUnit);
template <>
inline constexpr auto kMostOf<Mark::What> = number(Mark::What::kStop);

template <>
inline constexpr std::string_view kAlternative<EpollDetail> = "epoll";
template <>
inline constexpr std::string_view kAlternative<EventfdDetail> = "eventfd";
template <>
inline constexpr std::string_view kAlternative<TimerfdDetail> = "timerfd";
template <>
inline constexpr std::string_view kAlternative<SignalfdDetail> = "signalfd";
template <>
inline constexpr std::string_view kAlternative<InotifyDetail> = "inotify";
template <>
inline constexpr std::string_view kAlternative<FanotifyDetail> = "fanotify";
template <>
inline constexpr std::string_view kAlternative<PidfdDetail> = "pidfd";
template <>
inline constexpr std::string_view kAlternative<BpfDetail> = "bpf";
template <>
inline constexpr std::string_view kAlternative<IoUringDetail> = "io_uring";
template <>
inline constexpr std::string_view kAlternative<PtyDetail> = "pty";
template <>
inline constexpr std::string_view kAlternative<DmabufDetail> = "dmabuf";

template <>
struct Fields<EpollWatch> {
  static void list(auto& field, auto& row) {
    field("fd", row.fd);
    field("events", row.events);
    field("data", row.data);
    field("inode", row.inode);
  }
};
template <>
struct Fields<EpollDetail> {
  static void list(auto& field, auto& row) { field("watches", row.watches); }
};
template <>
struct Fields<EventfdDetail> {
  static void list(auto& field, auto& row) {
    field("count", row.count);
    field("id", row.id);
  }
};
template <>
struct Fields<TimerfdDetail> {
  static void list(auto& field, auto& row) {
    field("clock", row.clock);
    field("expirations", row.expirations);
    field("remaining", row.remaining);
    field("interval", row.interval);
  }
};
template <>
struct Fields<SignalfdDetail> {
  static void list(auto& field, auto& row) { field("mask", row.mask); }
};
template <>
struct Fields<InotifyWatch> {
  static void list(auto& field, auto& row) {
    field("watch", row.watch);
    field("inode", row.inode);
    field("device_major", row.device_major);
    field("device_minor", row.device_minor);
    field("mask", row.mask);
  }
};
template <>
struct Fields<InotifyDetail> {
  static void list(auto& field, auto& row) { field("watches", row.watches); }
};
template <>
struct Fields<FanotifyDetail> {
  static void list(auto& field, auto& row) {
    field("flags", row.flags);
    field("event_flags", row.event_flags);
    field("marks", row.marks);
  }
};
template <>
struct Fields<PidfdDetail> {
  static void list(auto& field, auto& row) { field("pid", row.pid); }
};
template <>
struct Fields<BpfDetail> {
  static void list(auto& field, auto& row) {
    field("id", row.id);
    field("type", row.type);
  }
};
template <>
struct Fields<IoUringDetail> {
  static void list(auto& field, auto& row) {
    field("submissions_pending", row.submissions_pending);
    field("completions_pending", row.completions_pending);
    field("registered_files", row.registered_files);
    field("registered_buffers", row.registered_buffers);
  }
};
template <>
struct Fields<PtyDetail> {
  static void list(auto& field, auto& row) {
    field("index", row.index);
    field("master", row.master);
  }
};
template <>
struct Fields<DmabufDetail> {
  static void list(auto& field, auto& row) { field("bytes", row.bytes); }
};

template <>
struct Fields<ProcessKey> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("start", row.start);
  }
};
template <>
struct Fields<Namespaces> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("mnt", row.mnt);
    field("net", row.net);
    field("user", row.user);
  }
};
template <>
struct Fields<Process> {
  static void list(auto& field, auto& row) {
    Fields<ProcessKey>::list(field, row.key);
    field("parent", row.parent);
    field("own_pid", row.own_pid);
    field("uid", row.uid);
    field("state", row.state);
    field("tracer", row.tracer);
    field.text("name", row.name);
    field.text("command_line", row.command_line);
    field.text("cgroup", row.cgroup);
    field("namespaces", row.namespaces);
    field("descriptor_limit", row.descriptor_limit);
    field("descriptor_hard_limit", row.descriptor_hard_limit);
    field("descriptors", row.descriptors);
    field("thread_count", row.thread_count);
    field("resident_bytes", row.resident_bytes);
    field("virtual_bytes", row.virtual_bytes);
    field("sleeps", row.sleeps);
    field("mappings", row.mappings);
    field("error", row.error);
  }
};

template <>
struct Fields<BlockingCall> {
  static void list(auto& field, auto& row) {
    field("number", row.number);
    field("args", row.args);
  }
};
template <>
struct Fields<PolledFd> {
  static void list(auto& field, auto& row) {
    field("fd", row.fd);
    field("events", row.events);
  }
};
template <>
struct Fields<FutexWord> {
  static void list(auto& field, auto& row) {
    field("value", row.value);
    field("third", row.third);
  }
};
template <>
struct Fields<ThreadWait> {
  static void list(auto& field, auto& row) {
    field.text("kernel_function", row.kernel_function);
    field("listed", row.listed);
    field("polled", row.polled);
    field("polled_cut", row.polled_cut);
    field("timeout", row.timeout);
    field("remaining", row.remaining);
    field("futex", row.futex);
  }
};
struct ThreadFact {
  Pid pid{};
  Thread row;
  std::optional<ThreadWait> wait;
};
template <>
struct Fields<ThreadFact> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("tid", row.row.tid);
    field("state", row.row.state);
    field.text("name", row.row.name);
    field("waits_in", row.row.waits_in);
    field("wait", row.wait);
  }
};

template <>
struct Fields<DescriptorFact> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("own_table", row.row.table);
    field("fd", row.row.fd);
    field("kind", row.row.kind);
    field("close_on_exec", row.row.close_on_exec);
    field("unlinked", row.row.unlinked);
    field("mode", row.row.mode);
    field("flags", row.row.flags);
    field("device_major", row.row.device_major);
    field("device_minor", row.row.device_minor);
    field("rdev_major", row.row.rdev_major);
    field("rdev_minor", row.row.rdev_minor);
    field("inode", row.row.inode);
    field("position", row.row.position);
    field("size", row.row.size);
    field("disk_bytes", row.row.disk_bytes);
    field("file", row.row.file);
    field("socket", row.socket);
    field.text("name", row.row.name);
    field("error", row.row.error);
  }
};
// What the kind of a descriptor adds to it.
struct DetailFact {
  HeldBy descriptor;
  Detail detail;
};
template <>
struct Fields<SocketFact> {
  static void list(auto& field, auto& row) {
    field("id", row.row.id);
    field("family", row.row.family);
    field("type", row.row.type);
    field("protocol", row.row.protocol);
    field("state", row.row.state);
    field("ipv6", row.row.ipv6);
    field("inode", row.row.inode);
    field("net_namespace", row.row.net_namespace);
    field("local", row.row.local.address);
    field("local_port", row.row.local.port);
    field("remote", row.row.remote.address);
    field("remote_port", row.row.remote.port);
    field.text("path", row.row.path);
    field("device", row.row.device);
    field("peer", row.row.peer);
    field("peer_in_queue", row.row.peer_in_queue);
    field("listener", row.row.listener);
    field("receive_queue", row.row.receive_queue);
    field("send_queue", row.row.send_queue);
    field("in_flight", row.row.in_flight);
    field("accept_queue", row.row.accept_queue);
    field("backlog", row.row.backlog);
    field("last_sent", row.row.last_sent);
    field("last_received", row.row.last_received);
    field("shut_receive", row.row.shut_receive);
    field("shut_send", row.row.shut_send);
  }
};

template <>
struct Fields<IpEndpoint> {
  static void list(auto& field, auto& row) {
    field("address", row.address);
    field("port", row.port);
  }
};

template <>
struct Fields<HeldBy> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("own_table", row.table);
    field("fd", row.fd);
  }
};
template <>
struct Fields<DetailFact> {
  static void list(auto& field, auto& row) {
    Fields<HeldBy>::list(field, row.descriptor);
    field("detail", row.detail);
  }
};
struct LockFact {
  FileLock row;
  std::vector<HeldBy> holds;
};
template <>
struct Fields<LockFact> {
  static void list(auto& field, auto& row) {
    field("sort", row.row.sort);
    field("device_major", row.row.device_major);
    field("device_minor", row.row.device_minor);
    field("inode", row.row.inode);
    field("taker", row.row.taker);
    field("holds", row.holds);
    field("waiters", row.row.waiters);
  }
};

template <>
struct Fields<Mark> {
  static void list(auto& field, auto& row) {
    field("time", row.time);
    field("source", row.source);
    field("what", row.what);
    field("name", row.name);
    field("pid", row.pid);
  }
};
template <>
struct Fields<Rerun> {
  static void list(auto& field, auto& row) {
    field("like", row.like);
    field("parent", row.parent);
    field("pid", row.pid);
    field("lasted", row.lasted);
    field("status", row.status);
    field("input_gone", row.input_gone);
  }
};
template <>
struct Fields<Refusals> {
  static void list(auto& field, auto& row) {
    field("pid", row.pid);
    field("port", row.port);
    field("count", row.count);
  }
};
template <>
struct Fields<Frame> {
  static void list(auto& field, auto& row) {
    field("kind", row.kind);
    field("function", row.function);
    field("function_offset", row.function_offset);
    field("file", row.file);
    field("line", row.line);
    field("module", row.module);
    field("build_id", row.build_id);
    field("elf_address", row.elf_address);
  }
};

}  // namespace plumb::detect
