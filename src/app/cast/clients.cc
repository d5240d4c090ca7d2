// SPDX-License-Identifier: Apache-2.0
// clients: so many connections to a server, one every 20 ms, on which nothing is said. Those that
// are refused are tried again.
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "app/cast/cast.h"
#include "app/cast/wires.h"
#include "plumb/base/text.h"

namespace plumb::cast {

int clients(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc < 3 && std::scanf("%hu", &port) != 1) give_up("no port came on standard input");
  if (argc >= 3) port = port_argument(argc, argv);
  const auto count = argc < 2 ? std::nullopt : parse_number<std::size_t>(argv[1]);
  std::vector<UniqueFd> held;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!count || held.size() >= *count) continue;
    if (UniqueFd client = connect_to(port)) held.push_back(std::move(client));
  }
}

}  // namespace plumb::cast
