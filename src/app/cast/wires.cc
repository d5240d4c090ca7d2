// SPDX-License-Identifier: Apache-2.0
// Sockets on the loopback.
#include "app/cast/wires.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "plumb/base/text.h"

namespace plumb::cast {
namespace {

constexpr std::size_t kLongestHead = 16 * 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Appends what comes next; false at the end of the connection.
bool read_more(int socket, std::string& bytes) {
  std::array<char, 4096> piece;
  ssize_t got = 0;
  do {
    got = ::read(socket, piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  bytes.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace

void give_up(std::string_view what) {
  std::fprintf(stderr, "%s: %.*s: %s\n", program_invocation_short_name,
               static_cast<int>(what.size()), what.data(), std::strerror(errno));
  std::exit(EXIT_FAILURE);
}

UniqueFd listen_here() {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) give_up("socket");
  const sockaddr_in address = loopback(0);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    give_up("bind");
  }
  if (::listen(socket.get(), 128) != 0) give_up("listen");
  return socket;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("getsockname");
  }
  return ntohs(address.sin_port);
}

void announce(std::uint16_t port) {
  std::printf("%u\n", unsigned{port});
  std::fflush(stdout);
}

Watch::Watch() {
  auto made = UniqueFd::epoll();
  if (!made) give_up("epoll_create1");
  epoll_ = *std::move(made);
}

void Watch::add(int socket) {
  epoll_event wanted{.events = EPOLLIN, .data = {.fd = socket}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &wanted) != 0) give_up("epoll_ctl");
}

int Watch::next() {
  epoll_event event{};
  while (::epoll_wait(epoll_.get(), &event, 1, -1) != 1) {
  }
  return event.data.fd;
}

void serve(const std::function<bool(int client)>& answer) {
  const UniqueFd listener = listen_here();
  Watch watch;
  watch.add(listener.get());
  announce(port_of(listener.get()));
  std::map<int, UniqueFd> clients;
  for (;;) {
    const int ready = watch.next();
    if (ready == listener.get()) {
      UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) give_up("accept");
      watch.add(client.get());
      clients.emplace(client.get(), std::move(client));
    } else if (!answer(ready)) {
      clients.erase(ready);
    }
  }
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return {};
  }
  return socket;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<Message> read_head(int socket) {
  Message message;
  for (;;) {
    const auto end = message.head.find("\r\n\r\n");
    if (end != std::string::npos) {
      message.body = message.head.substr(end + 4);
      message.head.resize(end + 4);
      break;
    }
    if (message.head.size() > kLongestHead || !read_more(socket, message.head)) return std::nullopt;
  }
  if (const auto length = field_of(message.head, "content-length")) {
    message.length = parse_number<std::size_t>(*length);
  }
  return message;
}

void read_body(int socket, Message& message) {
  while (!message.length || message.body.size() < *message.length) {
    if (!read_more(socket, message.body)) return;
  }
}

std::optional<std::string> field_of(std::string_view head, std::string_view name) {
  (void)take_until(head, '\n');
  while (!head.empty()) {
    std::string_view line = trim(take_until(head, '\n'));
    const std::string_view key = take_until(line, ':');
    const bool same = std::ranges::equal(key, name, [](char left, char right) {
      return std::tolower(static_cast<unsigned char>(left)) == right;
    });
    if (same) return std::string(trim(line));
  }
  return std::nullopt;
}

std::uint16_t port_argument(int argc, char** argv) {
  const auto port = argc < 2 ? std::nullopt : parse_number<std::uint16_t>(argv[argc - 1]);
  if (port) return *port;
  errno = EINVAL;
  give_up("the last argument is no port");
}

}  // namespace plumb::cast
