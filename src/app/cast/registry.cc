// SPDX-License-Identifier: Apache-2.0
// registry: refuses everybody with a 401 that says why in its body, and keeps connections, as
// servers do.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <map>

#include "app/cast/cast.h"
#include "app/cast/wires.h"

namespace plumb::cast {
namespace {

std::string refusal() {
  const std::string body = "{\"errors\": [{\"code\": \"UNAUTHORIZED\"}]}\n";
  return "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

int registry(int, char**) {
  const UniqueFd listener = listen_here();
  auto epoll = UniqueFd::epoll();
  if (!epoll) give_up("epoll_create1");
  const auto watch = [&](int fd) {
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll->get(), EPOLL_CTL_ADD, fd, &wanted) != 0) give_up("epoll_ctl");
  };
  watch(listener.get());
  announce(port_of(listener.get()));
  std::map<int, UniqueFd> clients;
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll->get(), &event, 1, -1) != 1) continue;
    const int ready = event.data.fd;
    if (ready == listener.get()) {
      UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) give_up("accept");
      watch(client.get());
      clients.emplace(client.get(), std::move(client));
    } else if (!read_head(ready) || !send_all(ready, refusal())) {
      clients.erase(ready);
    }
  }
}

}  // namespace plumb::cast
