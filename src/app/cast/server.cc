// SPDX-License-Identifier: Apache-2.0
// server: level-triggered epoll, and an accept that is tried again at once when it fails. At its
// limit of 64 descriptors it spins, and those who come then wait.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <map>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {

int server(int, char**) {
  const rlimit limit{64, 64};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("setrlimit");
  const UniqueFd listener = listen_here();
  auto epoll = UniqueFd::epoll();
  if (!epoll) give_up("epoll_create1");
  const auto watch = [&](int fd) {
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll->get(), EPOLL_CTL_ADD, fd, &wanted) != 0) give_up("epoll_ctl");
  };
  watch(listener.get());
  announce(port_of(listener.get()));
  std::map<int, UniqueFd> held;
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll->get(), &event, 1, -1) != 1) continue;
    const int ready = event.data.fd;
    if (ready != listener.get()) {
      if (!read_head(ready)) held.erase(ready);
      continue;
    }
    UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;  // the listener stays readable, and so does epoll_wait
    watch(client.get());
    held.emplace(client.get(), std::move(client));
  }
}

}  // namespace plumb::cast
