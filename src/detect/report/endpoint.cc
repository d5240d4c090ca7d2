// SPDX-License-Identifier: Apache-2.0
// Addresses, ports and states of sockets.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "detect/report/describe.h"

namespace plumb::detect {

void append_endpoint(std::string& out, const IpEndpoint& endpoint, bool ipv6) {
  const bool any =
      std::ranges::all_of(endpoint.address, [](std::uint8_t byte) { return byte == 0; });
  if (any) {
    out += '*';
  } else if (ipv6) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, endpoint.address.data(), text.data(), text.size());
    out.append("[").append(text.data()).append("]");
  } else {
    const auto& a = endpoint.address;
    fmt::format_to(std::back_inserter(out), "{}.{}.{}.{}", a[0], a[1], a[2], a[3]);
  }
  out += ':';
  if (endpoint.port == 0) {
    out += '*';
  } else {
    fmt::format_to(std::back_inserter(out), "{}", endpoint.port);
  }
}

std::string_view name_of(SocketState state) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "",      "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2",  "time-wait",
      "close", "close-wait",  "last-ack", "listen",   "closing",    "new-syn-recv"};
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : std::string_view();
}

}  // namespace plumb::detect
