// SPDX-License-Identifier: Apache-2.0
// SurveyBuilder: surveys made by hand, for tests of everything behind the sources.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "detect/record/survey.h"

namespace plumb::detect {

// Processes must be added by ascending pid, and a process's descriptors right after it, as a source
// does. Time: the survey is taken an hour after boot.
class SurveyBuilder {
 public:
  SurveyBuilder() {
    survey.source = Survey::Source::kBpf;
    survey.taken = BootTime(std::chrono::hours(1));
    survey.took = std::chrono::milliseconds(6);
  }

  Survey survey;

  Process& process(int pid, std::string_view name, int parent = 1,
                   std::initializer_list<std::string_view> arguments = {}) {
    std::string line;
    for (const std::string_view argument : arguments) line.append(argument).push_back('\0');
    Process p;
    p.key = {Pid{pid}, Ticks(100 * pid)};
    p.parent = Pid{parent};
    p.state = RunState{'S'};
    p.name = survey.texts.add(name);
    p.command_line = survey.texts.add(line);
    p.descriptor_limit = 1024;
    p.first_thread = static_cast<std::uint32_t>(survey.threads.size());
    survey.processes.push_back(p);
    return survey.processes.back();
  }

  // A sleeping thread of the last process; the first one is its leader.
  void thread(int call, std::uint64_t argument = 0, std::uint64_t second = 0) {
    Process& p = survey.processes.back();
    Thread t;
    t.tid = Tid{number(p.key.pid) + static_cast<int>(p.listed_threads++)};
    t.state = RunState{'S'};
    t.name = p.name;
    t.waits_in = BlockingCall{call, {argument, second}};
    survey.threads.push_back(t);
  }

  // A row of the last process. Each is an open file of its own, unless `file` says otherwise.
  Descriptor& row(int fd, Kind kind, std::uint64_t file = 0) {
    Descriptor d;
    d.process = ProcessIndex{static_cast<std::uint32_t>(survey.processes.size() - 1)};
    d.fd = Fd{fd};
    d.kind = kind;
    d.flags = O_RDWR;
    d.inode = 1000 + survey.descriptors.size();
    d.file = FileId{file != 0 ? file : 0xffff888000000000 + survey.descriptors.size()};
    survey.descriptors.push_back(d);
    return survey.descriptors.back();
  }

  Descriptor& file(int fd, std::string_view path, std::uint64_t bytes = 0) {
    Descriptor& d = row(fd, Kind::kFile);
    d.name = survey.texts.add(path);
    d.size = bytes;
    d.disk_bytes = bytes;
    return d;
  }

  Descriptor& pipe(int fd, std::uint64_t inode, std::uint32_t access, Kind kind = Kind::kPipe) {
    Descriptor& d = row(fd, kind);
    d.inode = inode;
    d.flags = access;
    return d;
  }

  Descriptor& detailed(int fd, Kind kind, Detail detail) {
    Descriptor& d = row(fd, kind);
    d.detail = DetailIndex{static_cast<std::uint32_t>(survey.details.size())};
    survey.details.push_back(std::move(detail));
    return d;
  }

  // A socket that no descriptor stands for yet.
  Socket& socket(std::uint16_t family, std::uint16_t type) {
    Socket s;
    s.id = SocketId{0xffff888100000000 + survey.sockets.size() * 64};
    s.family = family;
    s.type = type;
    s.ipv6 = family == AF_INET6;
    s.state = SocketState::kClose;
    s.inode = 5000 + survey.sockets.size();
    s.net_namespace = 4026531840;
    survey.sockets.push_back(s);
    return survey.sockets.back();
  }

  // The two sockets of socketpair(2); returns the first one's index, the second's is one more.
  std::uint32_t socket_pair(std::uint16_t type = SOCK_STREAM) {
    const auto first = static_cast<std::uint32_t>(survey.sockets.size());
    socket(AF_UNIX, type);
    socket(AF_UNIX, type);
    for (std::uint32_t s : {first, first + 1}) {
      survey.sockets[s].state = SocketState::kEstablished;
      survey.sockets[s].peer = survey.sockets[2 * first + 1 - s].id;
    }
    return first;
  }

  // A TCP or UDP socket; addresses are the last bytes of 127.0.0.x, or whole in `far` ones.
  std::uint32_t ip(std::uint16_t type, IpEndpoint local, IpEndpoint remote, SocketState state) {
    Socket& s = socket(AF_INET, type);
    s.protocol = type == SOCK_STREAM ? 6 : 17;
    s.local = local;
    s.remote = remote;
    s.state = state;
    return static_cast<std::uint32_t>(survey.sockets.size() - 1);
  }

  Descriptor& stands_for(int fd, Kind kind, std::uint32_t socket) {
    Descriptor& d = row(fd, kind);
    d.socket = SocketIndex{socket};
    d.inode = survey.sockets[socket].inode;
    return d;
  }

  static IpEndpoint at(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                       std::uint16_t port) {
    IpEndpoint endpoint;
    endpoint.address = {a, b, c, d};
    endpoint.port = port;
    return endpoint;
  }
  static IpEndpoint local(std::uint16_t port) { return at(127, 0, 0, 1, port); }
};

}  // namespace plumb::detect
