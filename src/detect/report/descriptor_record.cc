// SPDX-License-Identifier: Apache-2.0
// The record of a descriptor: the row that is written 200,000 times.
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

#include "detect/report/describe.h"
#include "detect/report/records.h"

namespace plumb::detect {
namespace {

void write_details(JsonWriter& json, const EpollDetail& epoll) {
  json.open_list("watches");
  for (const EpollWatch& watch : epoll.watches) {
    json.open_element();
    json.member("fd", number(watch.fd));
    json.member("events", watch.events);
    json.member("inode", watch.inode);
    json.close_object();
  }
  json.close_list();
}

void write_details(JsonWriter& json, const EventfdDetail& event) {
  json.member("count", event.count);
  if (event.id) json.member("eventfd", *event.id);
}

void write_details(JsonWriter& json, const TimerfdDetail& timer) {
  json.member("clock", timer.clock);
  json.member("remaining_seconds", timer.remaining);
  json.member("interval_seconds", timer.interval);
  json.member("expirations", timer.expirations);
}

void write_details(JsonWriter& json, const SignalfdDetail& signals) {
  json.open_list("signals");
  for (int signal = 1; signal <= 64; ++signal) {
    if ((signals.mask >> (signal - 1) & 1) != 0) json.element(signal);
  }
  json.close_list();
}

void write_details(JsonWriter& json, const InotifyDetail& inotify) {
  json.open_list("watches");
  for (const InotifyWatch& watch : inotify.watches) {
    json.open_element();
    json.member("watch", watch.watch);
    json.member("inode", watch.inode);
    json.member("device_major", watch.device_major);
    json.member("device_minor", watch.device_minor);
    json.member("mask", watch.mask);
    json.close_object();
  }
  json.close_list();
}

void write_details(JsonWriter& json, const FanotifyDetail& fanotify) {
  json.member("flags", fanotify.flags);
  json.member("event_flags", fanotify.event_flags);
  json.member("marks", fanotify.marks);
}

void write_details(JsonWriter& json, const PidfdDetail& pidfd) {
  json.member("gone", !pidfd.pid.has_value());
  if (pidfd.pid) json.member("pid", number(*pidfd.pid));
}

void write_details(JsonWriter& json, const BpfDetail& bpf) {
  json.member("id", bpf.id);
  if (bpf.type >= 0) json.member("type", bpf.type);
}

void write_details(JsonWriter& json, const IoUringDetail& ring) {
  json.member("submissions_pending", ring.submissions_pending);
  json.member("completions_pending", ring.completions_pending);
  json.member("registered_files", ring.registered_files);
  json.member("registered_buffers", ring.registered_buffers);
}

void write_details(JsonWriter& json, const PtyDetail& pty) {
  json.member("index", pty.index);
  json.member("master", pty.master);
}

void write_details(JsonWriter& json, const DmabufDetail& dmabuf) {
  json.member("bytes", dmabuf.bytes);
}

// inet_ntop costs 0.2 us, as much as all the rest of the row; IPv4 is what most rows have.
std::string_view address_text(const IpEndpoint& endpoint, bool ipv6, std::array<char, 64>& room) {
  if (ipv6) {
    std::string text;
    append_endpoint(text, {endpoint.address, 0}, true);
    const std::string_view bare =
        text.starts_with('[') ? std::string_view(text).substr(1, text.find(']') - 1) : "::";
    std::copy(bare.begin(), bare.end(), room.begin());
    return {room.data(), bare.size()};
  }
  char* at = room.data();
  for (std::size_t byte = 0; byte < 4; ++byte) {
    if (byte != 0) *at++ = '.';
    at = std::to_chars(at, at + 3, endpoint.address[byte]).ptr;
  }
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

void write_ip(JsonWriter& json, const Socket& socket) {
  std::array<char, 64> room;
  if (socket.local.port != 0 || !(socket.local == IpEndpoint{})) {
    json.member("local", address_text(socket.local, socket.ipv6, room));
    json.member("local_port", socket.local.port);
  }
  if (!(socket.remote == IpEndpoint{})) {
    json.member("remote", address_text(socket.remote, socket.ipv6, room));
    json.member("remote_port", socket.remote.port);
  }
}

void write_numbers(JsonWriter& json, const Socket& socket) {
  constexpr std::uint32_t kAny = 0xffffffff;  // VMADDR_CID_ANY
  const auto has_host = [&](NumberEndpoint end) {
    return socket.family == AF_VSOCK && end.host != kAny;
  };
  if (!(socket.local == IpEndpoint{})) {
    const NumberEndpoint local = numbers_of(socket.local);
    if (has_host(local)) json.member("local", std::string_view(std::to_string(local.host)));
    json.member("local_port", local.port);
  }
  if (!(socket.remote == IpEndpoint{})) {
    const NumberEndpoint remote = numbers_of(socket.remote);
    if (has_host(remote)) json.member("remote", std::string_view(std::to_string(remote.host)));
    json.member("remote_port", remote.port);
  }
}

void write_socket(JsonWriter& json, const Survey& survey, const Descriptor& d,
                  const Socket& socket) {
  const auto optional = [&](const auto& name, const auto& value) {
    if (value) json.member(name, *value);
  };
  json.open_object("socket");
  json.member("family", socket.family);
  json.member("type", socket.type);
  json.member("protocol", socket.protocol);
  if (const auto state = name_of(socket.state); !state.empty()) json.member("state", state);
  if (socket.net_namespace != 0) json.member("net_namespace", socket.net_namespace);
  if (socket.family == AF_INET || socket.family == AF_INET6) write_ip(json, socket);
  if (socket.family == AF_VSOCK || socket.family == AF_NETLINK) write_numbers(json, socket);
  if (!socket.path.empty()) {
    std::string_view path = survey.texts.at(socket.path);
    if (path.starts_with('\0')) {
      json.member("abstract", path.substr(1));
    } else {
      if (socket.family == AF_PACKET) {
        json.member("interface", path);
      } else {
        json.member("bound_to", path);
      }
    }
  }
  if (socket.device != 0) json.member("device", socket.device);
  optional("receive_queue", socket.receive_queue);
  optional("send_queue", socket.send_queue);
  optional("accept_queue", socket.accept_queue);
  optional("backlog", socket.backlog);
  optional("age_at_least_seconds", age_at_least(survey, d));
  optional("idle_seconds", idle_of(survey, d));
  if (socket.shut_receive) json.member("shut_receive", true);
  if (socket.shut_send) json.member("shut_send", true);
  json.close_object();
}

void write_holders(JsonWriter& json, const Joined& joined,
                   std::span<const DescriptorIndex> holders) {
  json.open_list("holders");
  for (const DescriptorIndex holder : holders.first(std::min(holders.size(), kMostHolders))) {
    const Process& process = joined.holder(holder);
    json.open_element();
    json.member("pid", number(process.key.pid));
    json.member("process", joined.survey.texts.at(process.name));
    json.member("fd", number(joined.row(holder).fd));
    json.close_object();
  }
  json.close_list();
  json.member("total", holders.size());
}

void write_file(JsonWriter& json, const Survey& survey, const Descriptor& d) {
  if (!d.name.empty()) json.member("path", survey.texts.at(d.name));
  if (d.device_major != 0 || d.device_minor != 0) {
    json.member("device_major", d.device_major);
    json.member("device_minor", d.device_minor);
  }
  if (d.rdev_major != 0 || d.rdev_minor != 0) {
    json.member("rdev_major", d.rdev_major);
    json.member("rdev_minor", d.rdev_minor);
  }
  if (d.inode != 0) json.member("inode", d.inode);
  if (d.position != 0) json.member("position", d.position);
  if (d.kind == Kind::kFile || d.kind == Kind::kMemfd) {
    json.member("size", d.size);
    json.member("disk_bytes", d.disk_bytes);
  }
  if (d.unlinked && d.kind != Kind::kMemfd) json.member("deleted", true);
}

constexpr std::array<std::string_view, 4> kAccess = {"read", "write", "both", "both"};

}  // namespace

void DescriptorRecords::write(JsonWriter& json, DescriptorIndex index) {
  const Joined& joined = joined_;
  const Survey& survey = joined.survey;
  const Descriptor& d = joined.row(index);
  if (process_ != d.process) {
    process_ = d.process;
    const Process& process = survey.process_of(d);
    beginning_.clear();
    beginning_.begin("descriptor", kDescriptorSchema);
    beginning_.member("pid", number(process.key.pid));
    beginning_.member("start_ticks", process.key.start.count());
    beginning_.member("process", survey.texts.at(process.name));
  }
  json.begin_with(beginning_.text());
  json.member("fd", number(d.fd));
  if (d.table != Tid{}) json.member("table", number(d.table));
  json.member("kind", name_of(d.kind));
  if (d.error != 0) {
    json.member("errno", d.error);
    const char* text = ::strerrordesc_np(d.error);
    if (text != nullptr) json.member("error", std::string_view(text));
  }
  if (d.kind == Kind::kUnreadable) {
    json.end();
    return;
  }
  json.member("access", (d.flags & O_PATH) != 0 ? "path" : kAccess[d.flags & O_ACCMODE]);
  json.member("flags", d.flags);
  json.member("mode", d.mode);
  json.member("close_on_exec", d.close_on_exec);
  if (const auto file = joined.sharing.file_number(index)) json.member("file", *file);
  write_file(json, survey, d);
  if (const Socket* socket = survey.socket_of(d)) write_socket(json, survey, d, *socket);
  if (const Detail* detail = survey.detail_of(d)) {
    json.open_object("detail");
    std::visit([&](const auto& details) { write_details(json, details); }, *detail);
    json.close_object();
  }
  if (const End end = joined.ends.of(index); end.state != EndState::kNone) {
    json.open_object("end");
    json.member("state", name_of(end.state));
    if (!end.holders.empty()) write_holders(json, joined, end.holders);
    json.close_object();
  }
  if (const auto shared = joined.sharing.holders_of(index); shared.size() > 1) {
    json.open_object("shared");
    write_holders(json, joined, shared);
    json.close_object();
  }
  json.end();
}

}  // namespace plumb::detect
