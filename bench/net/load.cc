// SPDX-License-Identifier: Apache-2.0
// A load generator of its own, on bare system calls, so that no library under test measures itself.
//   net_load echo PORT CONNECTIONS SECONDS   64-byte ping-pong on each
//   net_load storm PORT CONNECTIONS SECONDS  connect, 64 bytes, reset
//   net_load idle PORT CONNECTIONS           one message on each, then holds them until its
//                                            standard input ends
// The first two print "OPS_PER_S P50_US P99_US".
// The echo must cost less here than in any server, or all servers look alike: so the answers are
// taken in the order of the questions, by blocking reads, two system calls a round trip and no
// epoll. A server that answers in another order is waited for, while its other answers are there.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessage = 64;
char message[kMessage];

struct Connection {
  int fd = -1;
  std::size_t received = 0;
  Clock::time_point sent;
};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "net_load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int connected(const sockaddr_in& server) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) die("connect");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

void send_message(Connection& connection) {
  connection.sent = Clock::now();
  connection.received = 0;
  if (send(connection.fd, message, kMessage, MSG_NOSIGNAL) != kMessage) die("send");
}

void watch(int epoll, Connection& connection) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event) != 0) die("epoll_ctl");
}

// A reset instead of a FIN, so that 30,000 connections a second leave no TIME_WAIT behind.
void reset(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

void print(std::vector<double>& microseconds, double seconds) {
  std::ranges::sort(microseconds);
  const auto at = [&](double share) {
    return microseconds[static_cast<std::size_t>(share * double(microseconds.size() - 1))];
  };
  std::printf("%.0f %.0f %.0f\n", double(microseconds.size()) / seconds, at(0.5), at(0.99));
}

void echo(const sockaddr_in& server, std::size_t count, std::chrono::seconds duration) {
  std::vector<Connection> connections(count);
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  for (auto& connection : connections) {
    connection.fd = connected(server);
    setsockopt(connection.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    send_message(connection);
  }
  std::vector<double> microseconds;
  microseconds.reserve(1 << 21);
  char buffer[kMessage];
  const auto began = Clock::now();
  auto now = began;
  while (now - began < duration) {
    for (auto& connection : connections) {
      if (recv(connection.fd, buffer, kMessage, MSG_WAITALL) != kMessage) die("recv");
      now = Clock::now();
      microseconds.push_back(
          std::chrono::duration<double, std::micro>(now - connection.sent).count());
      connection.sent = now;
      if (send(connection.fd, message, kMessage, MSG_NOSIGNAL) != kMessage) die("send");
    }
  }
  print(microseconds, std::chrono::duration<double>(now - began).count());
  for (auto& connection : connections) reset(connection.fd);
}

void storm(const sockaddr_in& server, std::size_t count, std::chrono::seconds duration) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(count);
  for (auto& connection : connections) {
    connection.fd = connected(server);
    watch(epoll, connection);
    send_message(connection);
  }
  std::vector<double> microseconds;
  microseconds.reserve(1 << 21);
  const auto began = Clock::now();
  std::vector<epoll_event> events(256);
  char buffer[4096];
  while (Clock::now() - began < duration) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1000);
    if (ready == 0) die("the server is silent for a second; last error");
    for (int i = 0; i < ready; ++i) {
      auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
      if (got <= 0) die("recv");
      connection.received += static_cast<std::size_t>(got);
      if (connection.received < kMessage) continue;
      microseconds.push_back(
          std::chrono::duration<double, std::micro>(Clock::now() - connection.sent).count());
      reset(connection.fd);
      connection.fd = connected(server);
      watch(epoll, connection);
      send_message(connection);
    }
  }
  print(microseconds, std::chrono::duration<double>(Clock::now() - began).count());
  for (auto& connection : connections) reset(connection.fd);
  close(epoll);
}

void hold(const sockaddr_in& server, std::size_t count) {
  std::vector<int> held;
  for (std::size_t i = 0; i < count; ++i) {
    held.push_back(connected(server));
    char reply[kMessage];
    if (send(held.back(), message, kMessage, MSG_NOSIGNAL) != kMessage) die("send");
    if (recv(held.back(), reply, kMessage, MSG_WAITALL) != kMessage) die("recv");
  }
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  for (const int fd : held) reset(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: net_load echo|storm PORT CONNECTIONS SECONDS | idle PORT CONNECTIONS\n",
               stderr);
    return 2;
  }
  std::memset(message, 'x', sizeof message);
  const auto server = loopback(std::atoi(argv[2]));
  const auto count = static_cast<std::size_t>(std::atol(argv[3]));
  if (std::strcmp(argv[1], "idle") == 0) {
    hold(server, count);
  } else {
    const std::chrono::seconds duration(argc > 4 ? std::atol(argv[4]) : 4);
    (std::strcmp(argv[1], "storm") == 0 ? storm : echo)(server, count, duration);
  }
  return 0;
}
