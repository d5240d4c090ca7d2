// SPDX-License-Identifier: Apache-2.0
// The machine that the documents' tests look at: a small one with everything on it that a document
// shows in a way of its own. An editor with many children that wait for a proxy, a server, odd
// names, a process that could not be read.
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>

#include "tests/support/survey_builder.h"

namespace plumb::detect {

class Machine : public SurveyBuilder {
 public:
  Machine() {
    add_sockets();
    process(1, "init", 0, {"/sbin/init"}).namespaces = {11, 12, 13, 14};
    detailed(4, Kind::kSignalfd, SignalfdDetail{1u << 16 | 1u << 14});
    detailed(5, Kind::kTimerfd,
             TimerfdDetail{1, 0, std::chrono::milliseconds(3200), std::chrono::seconds(10)});
    add_odd_names();
    add_proxy();
    add_editor();
    add_server();
    Process& secret = process(9000, "secret", 1);
    secret.error = EACCES;
    secret.descriptors = 7;
    survey.losses.push_back({"socket names", 2, "a map was full"});
    survey.blinds.push_back({"descriptors of other users' processes", "run plumb as root"});
  }

  static constexpr int kChildren = 60;

 private:
  void add_sockets() {
    for (int child = 0; child < kChildren; ++child) socket_pair();
    for (int child = 0; child < kChildren; ++child) {
      const auto port = static_cast<std::uint16_t>(40000 + child);
      ip(SOCK_STREAM, local(8118), local(port), SocketState::kEstablished);
      const auto client = ip(SOCK_STREAM, local(port), local(8118), SocketState::kEstablished);
      survey.sockets[client].last_sent = survey.taken - std::chrono::minutes(40);
      survey.sockets[client].last_received = survey.taken - std::chrono::minutes(40);
    }
    listener_ = ip(SOCK_STREAM, at(0, 0, 0, 0, 3000), {}, SocketState::kListen);
    survey.sockets[listener_].accept_queue = 512;
    survey.sockets[listener_].backlog = 511;
    closed_ = ip(SOCK_STREAM, at(10, 0, 0, 5, 3000), at(93, 184, 216, 34, 50000),
                 SocketState::kCloseWait);
    survey.sockets[closed_].receive_queue = 1;
    bus_ = static_cast<std::uint32_t>(survey.sockets.size());
    socket(AF_UNIX, SOCK_STREAM).path = survey.texts.add(std::string_view("\0bus", 4));
    survey.sockets[bus_].state = SocketState::kListen;
  }

  void add_odd_names() {
    process(300, "sp ace\x1b[31m", 1, {"/bin/evil", "two\nlines", "\xff\xfe", "\u202egpj.exe"})
        .cgroup = survey.texts.add("/system.slice/docker-" + std::string(64, 'c') + ".scope");
    survey.processes.back().namespaces = {21, 22, 23, 14};
    file(3, "/tmp/new\nline \x1b[2J \xff " + std::string(120, 'x'), 5);
    row(9, Kind::kUnreadable).error = EPERM;
  }

  void add_proxy() {
    process(640, "tinyproxy", 1, {"/usr/bin/tinyproxy", "-d"}).cgroup =
        survey.texts.add("/system.slice/tinyproxy.service");
    thread(SYS_epoll_wait, 3);
    EpollDetail watches;
    for (int child = 0; child < kChildren; ++child)
      watches.watches.push_back({Fd{10 + child}, 1, 0, 0});
    detailed(3, Kind::kEpoll, watches);
    for (int child = 0; child < kChildren; ++child) {
      stands_for(10 + child, Kind::kTcp, static_cast<std::uint32_t>(2 * kChildren + 2 * child));
    }
  }

  void add_editor() {
    process(812, "nvim", 1, {"nvim", "notes.md"}).descriptor_limit = 66;
    thread(SYS_epoll_wait, 4);
    file(3, "/home/u/notes.md", 2048);
    for (int child = 0; child < kChildren; ++child) {
      stands_for(10 + child, Kind::kUnix, static_cast<std::uint32_t>(2 * child));
    }
    for (int child = 0; child < kChildren; ++child) {
      Process& curl =
          process(1000 + child, "curl", 812,
                  {"/usr/bin/curl",
                   "http://localhost:35033/exa.language_server_pb.LanguageServerService/Heartbeat",
                   "-d@-"});
      curl.key.start = Ticks(100 * (300 + 55 * child));
      thread(SYS_poll, 0x7ffc1000);
      ThreadWait& wait = survey.waits.emplace_back();
      wait.thread = ThreadIndex{static_cast<std::uint32_t>(survey.threads.size() - 1)};
      wait.listed = true;
      wait.polled = {{Fd{5}, POLLIN}};
      wait.timeout = std::chrono::seconds(1);
      stands_for(0, Kind::kUnix, static_cast<std::uint32_t>(2 * child + 1));
      stands_for(5, Kind::kTcp, static_cast<std::uint32_t>(2 * kChildren + 2 * child + 1));
    }
  }

  void add_server() {
    process(2000, "node", 1, {"node", "server.js"});
    thread(SYS_epoll_wait, 99);
    stands_for(3, Kind::kTcp, listener_);
    const std::uint64_t shared = 0xabc000;
    for (int fd = 20; fd < 32; ++fd) stands_for(fd, Kind::kTcp, closed_);
    Descriptor& log = file(40, "/var/log/node.log.1", 3u << 30);
    log.unlinked = true;
    log.file = FileId{shared};
    stands_for(41, Kind::kUnix, bus_);
    pipe(42, 777, O_RDONLY);
    pipe(43, 777, O_WRONLY);
    detailed(44, Kind::kPidfd, PidfdDetail{Pid{640}});
    detailed(45, Kind::kInotify, InotifyDetail{{{1, 12, 8, 1, 2}}});
    detailed(46, Kind::kEventfd, EventfdDetail{3, 12});
    detailed(47, Kind::kPty, PtyDetail{3, true}).name = survey.texts.add("/dev/ptmx");
    process(2001, "node-worker", 2000, {"node", "worker.js"});
    Descriptor& again = file(40, "/var/log/node.log.1", 3u << 30);
    again.unlinked = true;
    again.file = FileId{shared};
    detailed(3, Kind::kPty, PtyDetail{3, false}).name = survey.texts.add("/dev/pts/3");
    for (int zombie = 0; zombie < 12; ++zombie)
      process(3000 + zombie, "sh", 2000).state = RunState{'Z'};
  }

  std::uint32_t listener_ = 0;
  std::uint32_t closed_ = 0;
  std::uint32_t bus_ = 0;
};

}  // namespace plumb::detect
