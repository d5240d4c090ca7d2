// SPDX-License-Identifier: Apache-2.0
// server: level-triggered epoll, and an accept that is tried again at once when it fails. At its
// limit of 64 descriptors it spins, and those who come then wait.
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
  Watch watch;
  watch.add(listener.get());
  announce(port_of(listener.get()));
  std::map<int, UniqueFd> held;
  for (;;) {
    const int ready = watch.next();
    if (ready != listener.get()) {
      if (!read_head(ready)) held.erase(ready);
      continue;
    }
    UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;  // the listener stays readable: next() returns at once
    watch.add(client.get());
    held.emplace(client.get(), std::move(client));
  }
}

}  // namespace plumb::cast
