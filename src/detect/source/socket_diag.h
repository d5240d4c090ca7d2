// SPDX-License-Identifier: Apache-2.0
// What the kernel answers about sockets over NETLINK_SOCK_DIAG (sock_diag(7)), one message a
// socket. Pure: the bytes after the nlmsghdr in, a Socket out; nothing where the message is cut.
// The socket's id is its inode; where it has none, because no process holds it (TIME_WAIT, orphans,
// connections that wait for accept), it is the kernel's cookie with the top bit set.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/record/socket.h"
#include "detect/source/byte_view.h"
#include "plumb/base/clock.h"

namespace plumb::detect {

struct UnixDiag {
  Socket socket;
  std::string_view path;  // into the message; an abstract name begins with NUL
  Bytes queued;           // listeners: inodes, four bytes each, of clients that wait for accept
};
std::optional<UnixDiag> parse_unix_diag(Bytes message);

// `now` turns "milliseconds ago" into times. TCP, multipath TCP, UDP, UDP-Lite and raw.
std::optional<Socket> parse_inet_diag(Bytes message, std::uint8_t protocol, BootTime now);

// The interface of a packet socket is in Socket::device, by number.
std::optional<Socket> parse_netlink_diag(Bytes message);
std::optional<Socket> parse_packet_diag(Bytes message);
std::optional<Socket> parse_vsock_diag(Bytes message);

// The n-th inode of UnixDiag::queued.
std::uint64_t queued_inode(Bytes queued, std::size_t n);

SocketId socket_id(std::uint64_t inode, const std::uint32_t (&cookie)[2]);

}  // namespace plumb::detect
