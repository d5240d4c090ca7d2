// SPDX-License-Identifier: Apache-2.0
// The table of columns.
#include "detect/report/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "detect/model/cgroup.h"
#include "detect/model/command.h"
#include "detect/model/namespaces.h"
#include "detect/model/wait.h"
#include "detect/model/waiting.h"
#include "detect/report/describe.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using Row = DescriptorIndex;
using Rank = std::optional<std::uint64_t>;

template <typename... Args>
void print(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

void append_duration(std::string& out, std::optional<std::chrono::nanoseconds> duration) {
  if (duration) out += human_duration(*duration);
}
Rank rank_duration(std::optional<std::chrono::nanoseconds> duration) {
  if (!duration) return std::nullopt;
  return unsigned_of(std::max<std::int64_t>(duration->count(), 0));
}

CgroupName cgroup_of(const Joined& j, Row d) {
  return read_cgroup(j.survey.texts.at(j.holder(d).cgroup));
}

void append_fd(std::string& out, const Joined& j, Row d) {
  const Descriptor& row = j.row(d);
  print(out, "{}{}", number(row.fd), row.kind == Kind::kUnreadable ? '?' : access_letter(row));
  if (row.table != Tid{}) print(out, "@{}", number(row.table));
}

void append_device(std::string& out, const Joined& j, Row d) {
  const Descriptor& row = j.row(d);
  if (row.device_major != 0 || row.device_minor != 0) {
    print(out, "{}:{}", row.device_major, row.device_minor);
  }
}

void append_state(std::string& out, const Joined& j, Row d) {
  const Socket* socket = j.survey.socket_of(j.row(d));
  if (socket != nullptr) out += name_of(socket->state);
}

void append_with(std::string& out, const Joined& j, Row d) {
  append_other_end(out, j, d);
  const std::size_t before = out.size();
  append_shared(out, j, d);
  if (before != 0 && out.size() != before) out.insert(before, " ");
}

Rank rank_queue(const Joined& j, Row d) {
  const Socket* socket = j.survey.socket_of(j.row(d));
  if (socket == nullptr) return std::nullopt;
  if (socket->state == SocketState::kListen) return socket->accept_queue;
  if (!socket->receive_queue && !socket->send_queue) return std::nullopt;
  return std::uint64_t{socket->receive_queue.value_or(0)} + socket->send_queue.value_or(0);
}
void append_queue(std::string& out, const Joined& j, Row d) {
  const Socket* socket = j.survey.socket_of(j.row(d));
  if (!rank_queue(j, d)) return;
  if (socket->state == SocketState::kListen) {
    print(out, "{}/{}", *socket->accept_queue, socket->backlog.value_or(0));
  } else {
    print(out, "{}/{}", socket->receive_queue.value_or(0), socket->send_queue.value_or(0));
  }
}

void append_wait(std::string& out, const Joined& j, Row d) {
  const BlockingCall* call = leader_call(j.survey, j.holder(d));
  if (call == nullptr) return;
  const Wait wait = wait_of(*call);
  if (wait.call.empty()) {
    print(out, "call {}", call->number);
    return;
  }
  out += wait.call;
  if (wait.fd) print(out, " fd {}", number(*wait.fd));
}

Rank rank_size(const Joined& j, Row d) {
  const Descriptor& row = j.row(d);
  if (row.kind != Kind::kFile && row.kind != Kind::kMemfd) return std::nullopt;
  return row.size;
}

Rank rank_held(const Joined& j, Row d) {
  const std::uint64_t bytes = held_back(j.row(d));
  return bytes == 0 ? Rank() : Rank(bytes);
}

template <Rank (*kRank)(const Joined&, Row)>
void append_bytes(std::string& out, const Joined& j, Row d) {
  if (const Rank bytes = kRank(j, d)) out += human_size(*bytes);
}
template <Rank (*kRank)(const Joined&, Row)>
void append_number(std::string& out, const Joined& j, Row d) {
  if (const Rank value = kRank(j, d)) print(out, "{}", *value);
}

Rank rank_pid(const Joined& j, Row d) {
  return unsigned_of(number(j.holder(d).key.pid));
}
Rank rank_parent(const Joined& j, Row d) {
  return unsigned_of(number(j.holder(d).parent));
}
Rank rank_uid(const Joined& j, Row d) {
  return number(j.holder(d).uid);
}
Rank rank_fd(const Joined& j, Row d) {
  return unsigned_of(number(j.row(d).fd));
}
Rank rank_inode(const Joined& j, Row d) {
  return j.row(d).inode == 0 ? Rank() : Rank(j.row(d).inode);
}
Rank rank_position(const Joined& j, Row d) {
  return j.row(d).position == 0 ? Rank() : Rank(j.row(d).position);
}
Rank rank_file(const Joined& j, Row d) {
  const auto file = j.sharing.file_number(d);
  return file ? Rank(*file) : Rank();
}
Rank rank_limit(const Joined& j, Row d) {
  return j.holder(d).descriptor_limit;
}
Rank rank_age(const Joined& j, Row d) {
  return rank_duration(age_at_least(j.survey, j.row(d)));
}
Rank rank_idle(const Joined& j, Row d) {
  return rank_duration(idle_of(j.survey, j.row(d)));
}

constexpr Align kRight = Align::kRight;
constexpr Align kLeft = Align::kLeft;

constexpr std::array kColumns = {
    Column{"pid", "PID", "process number", kRight, false, Tone::kPlain, append_number<rank_pid>,
           rank_pid},
    Column{"command", "COMMAND", "the kernel's name of the process, at most 15 bytes", kLeft, false,
           Tone::kStrong,
           [](std::string& out, const Joined& j, Row d) {
             append_clean(out, j.survey.texts.at(j.holder(d).name));
           }},
    Column{"fd", "FD", "number and access: r, w, u for both, p for O_PATH; @TID: a lone thread's",
           kRight, false, Tone::kPlain, append_fd, rank_fd},
    Column{"kind", "KIND", "what sort of thing it is", kLeft, false, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) { out += name_of(j.row(d).kind); }},
    Column{"name", "NAME", "path, addresses, what it watches, when it expires", kLeft, true,
           Tone::kPlain, append_name},
    Column{"with", "OTHER END", "both of the next two", kLeft, true, Tone::kAccent, append_with},
    Column{"end", "OTHER END", "who holds the other end", kLeft, true, Tone::kAccent,
           append_other_end},
    Column{"shared", "SHARED", "other descriptors of the same open file", kLeft, true, Tone::kPlain,
           append_shared},
    Column{"state", "STATE", "a socket's state", kLeft, false, Tone::kPlain, append_state},
    Column{"age", "AGE", "how old at least (TCP: since the first data that is remembered)", kRight,
           false, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             append_duration(out, age_at_least(j.survey, j.row(d)));
           },
           rank_age, true},
    Column{"idle", "IDLE", "how long without data (TCP)", kRight, false, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             append_duration(out, idle_of(j.survey, j.row(d)));
           },
           rank_idle, true},
    Column{"queue", "QUEUE", "bytes unread/unsent; of a listener: waiting/backlog", kRight, false,
           Tone::kPlain, append_queue, rank_queue, true},
    Column{"size", "SIZE", "of a file", kRight, false, Tone::kPlain, append_bytes<rank_size>,
           rank_size, true},
    Column{"held", "HELD", "disk space that a deleted file holds back", kRight, false, Tone::kWarn,
           append_bytes<rank_held>, rank_held, true},
    Column{"position", "POSITION", "file position", kRight, false, Tone::kPlain,
           append_number<rank_position>, rank_position, true},
    Column{"inode", "INODE", "inode number", kRight, false, Tone::kPlain,
           append_number<rank_inode>, rank_inode},
    Column{"device", "DEVICE", "the file system's device, major:minor", kLeft, false, Tone::kPlain,
           append_device},
    Column{"flags", "FLAGS", "O_* flags, octal as in fdinfo", kRight, false, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) { print(out, "0{:o}", j.row(d).flags); }},
    Column{"file", "FILE", "the open file's number in this survey: equal for dup and fork", kRight,
           false, Tone::kPlain, append_number<rank_file>, rank_file},
    Column{"cmdline", "COMMAND LINE", "the process's arguments", kLeft, true, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             append_clean(out, command_of(j.survey, j.holder(d)));
           }},
    Column{"waits", "WAITS IN", "the system call in which the process sleeps", kLeft, false,
           Tone::kPlain, append_wait},
    Column{"parent", "PARENT", "the parent's process number", kRight, false, Tone::kPlain,
           append_number<rank_parent>, rank_parent},
    Column{"uid", "UID", "effective user", kRight, false, Tone::kPlain, append_number<rank_uid>,
           rank_uid},
    Column{"limit", "LIMIT", "how many descriptors the process may hold", kRight, false,
           Tone::kPlain, append_number<rank_limit>, rank_limit},
    Column{"unit", "UNIT", "systemd unit", kLeft, true, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             append_clean(out, cgroup_of(j, d).unit);
           }},
    Column{"container", "CONTAINER", "runtime and the first 12 characters of the container's id",
           kLeft, false, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             const CgroupName name = cgroup_of(j, d);
             if (name.container.empty()) return;
             out.append(name.runtime).append(":");
             append_clean(out, name.container.substr(0, 12));
           }},
    Column{"cgroup", "CGROUP", "path in the unified hierarchy", kLeft, true, Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             append_clean(out, j.survey.texts.at(j.holder(d).cgroup));
           }},
    Column{"namespaces", "NAMESPACES", "in which the process differs from process 1", kLeft, false,
           Tone::kPlain,
           [](std::string& out, const Joined& j, Row d) {
             out += foreign_namespaces(home_namespaces(j.survey), j.holder(d));
           }},
};

}  // namespace

std::span<const Column> all_columns() {
  return kColumns;
}

const Column* column_named(std::string_view name) {
  const auto column = std::ranges::find(kColumns, name, &Column::name);
  return column == kColumns.end() ? nullptr : &*column;
}

std::vector<const Column*> default_columns(std::size_t width) {
  std::vector<std::string_view> names = {"pid", "command", "fd", "kind", "name"};
  if (width >= 140) {
    names.insert(names.end(), {"end", "shared", "unit"});
  } else {
    names.push_back("with");
  }
  std::vector<const Column*> columns;
  for (const std::string_view name : names) columns.push_back(column_named(name));
  return columns;
}

}  // namespace plumb::detect
