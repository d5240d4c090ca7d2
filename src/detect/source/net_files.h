// SPDX-License-Identifier: Apache-2.0
// Lines of /proc/PID/net/{tcp,udp,raw,udplite,unix,netlink,packet} (proc_pid_net(5)): what is left
// where sock_diag is not to be had. Pure. They know no peer of a unix socket, no times, no accept
// queue's room. A unix socket's name stands in its line as it is, so that one with a line break can
// feign a line; where it matters, sock_diag tells the truth.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/record/socket.h"

namespace plumb::detect {

// Each returns nothing for the heading and for lines that are not whole.
std::optional<Socket> parse_inet_line(std::string_view line, bool ipv6, std::uint16_t type,
                                      std::uint16_t protocol);

struct UnixLine {
  Socket socket;
  std::string_view path;  // '@' in front of an abstract name
};
std::optional<UnixLine> parse_unix_line(std::string_view line);
std::optional<Socket> parse_netlink_line(std::string_view line);
std::optional<Socket> parse_packet_line(std::string_view line);

}  // namespace plumb::detect
