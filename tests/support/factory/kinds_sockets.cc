// SPDX-License-Identifier: Apache-2.0
// Sockets of every family: connected pairs with their other ends, listeners, and such as were only
// just made, which the kernel's socket tables do not hold yet.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "kinds.h"

namespace plumb::factory {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// A loopback address of the family with a port that the kernel chooses.
Address loopback(int family) {
  Address address;
  if (family == AF_INET) {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    address.size = sizeof v6;
    std::memcpy(&address.storage, &v6, sizeof v6);
  }
  return address;
}

// `name` beginning with NUL is an abstract one.
Address unix_address(std::string_view name) {
  Address address;
  sockaddr_un un{.sun_family = AF_UNIX, .sun_path = {}};
  std::memcpy(un.sun_path, name.data(), std::min(name.size(), sizeof un.sun_path - 1));
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() +
                                        (name.starts_with('\0') ? 0 : 1));
  std::memcpy(&address.storage, &un, sizeof un);
  return address;
}

int open_socket(Roster& roster, int family, int type, int protocol, std::string_view kind,
                std::string_view what) {
  return roster.keep_or_refuse(::socket(family, type | SOCK_CLOEXEC, protocol), kind, what);
}

void open_pair(Roster& roster, int type, std::string_view what) {
  auto ends = UniqueFd::socket_pair(AF_UNIX, type);
  if (!ends) return roster.refuse("unix", what, ends.error().code);
  const int one = roster.keep(std::move(ends->first), "unix", what);
  const int other = roster.keep(std::move(ends->second), "unix", what);
  roster.join(one, other);
}

// A listener, a connection that it accepted, and one that waits in its queue.
void open_server(Roster& roster, Address address, std::string_view kind) {
  const int family = address.storage.ss_family;
  const int listener = open_socket(roster, family, SOCK_STREAM, 0, kind, "listener");
  if (listener < 0) return;
  if (::bind(listener, address.get(), address.size) != 0 || ::listen(listener, 7) != 0 ||
      ::getsockname(listener, address.get(), &address.size) != 0) {
    return roster.refuse(kind, "bind", errno);
  }
  const int client = open_socket(roster, family, SOCK_STREAM, 0, kind, "client");
  if (::connect(client, address.get(), address.size) != 0) {
    return roster.refuse(kind, "connect", errno);
  }
  const int accepted =
      roster.keep_or_refuse(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), kind, "accepted");
  roster.join(client, accepted);
  const int waiting = open_socket(roster, family, SOCK_STREAM, 0, kind, "in the queue");
  if (::connect(waiting, address.get(), address.size) != 0) {
    return roster.refuse(kind, "connect", errno);
  }
  // Two bytes that the accepted end has not read.
  if (::send(client, "hi", 2, MSG_NOSIGNAL) != 2) roster.refuse(kind, "send", errno);
}

void open_udp_pair(Roster& roster, int family) {
  Address one_address = loopback(family), other_address = loopback(family);
  const int one = open_socket(roster, family, SOCK_DGRAM, 0, "udp", "connected");
  const int other = open_socket(roster, family, SOCK_DGRAM, 0, "udp", "connected");
  if (one < 0 || other < 0) return;
  if (::bind(one, one_address.get(), one_address.size) != 0 ||
      ::bind(other, other_address.get(), other_address.size) != 0 ||
      ::getsockname(one, one_address.get(), &one_address.size) != 0 ||
      ::getsockname(other, other_address.get(), &other_address.size) != 0 ||
      ::connect(one, other_address.get(), other_address.size) != 0 ||
      ::connect(other, one_address.get(), one_address.size) != 0) {
    return roster.refuse("udp", "pair", errno);
  }
  roster.join(one, other);
}

void open_unix(Roster& roster, const std::string& directory) {
  open_pair(roster, SOCK_STREAM, "stream pair");
  open_pair(roster, SOCK_DGRAM, "datagram pair");
  open_pair(roster, SOCK_SEQPACKET, "packet pair");
  open_server(roster, unix_address(directory + "/socket"), "unix");
  const std::string abstract_name = '\0' + directory;
  open_server(roster, unix_address(abstract_name), "unix");
  open_socket(roster, AF_UNIX, SOCK_STREAM, 0, "unix", "unconnected");
}

void open_netlink(Roster& roster) {
  const int fd = open_socket(roster, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "netlink", "bound");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    roster.refuse("netlink", "bind", errno);
  }
}

}  // namespace

void open_sockets(Roster& roster, const std::string& directory) {
  open_unix(roster, directory);
  for (const int family : {AF_INET, AF_INET6}) {
    open_server(roster, loopback(family), "tcp");
    open_socket(roster, family, SOCK_STREAM, 0, "tcp", "unbound");
    open_udp_pair(roster, family);
    open_socket(roster, family, SOCK_DGRAM, 0, "udp", "unbound");
  }
  open_socket(roster, AF_INET, SOCK_RAW, IPPROTO_ICMP, "raw", "");
  open_socket(roster, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "raw", "v6");
  open_netlink(roster);
  open_socket(roster, AF_PACKET, SOCK_DGRAM, htons(ETH_P_LOOP), "packet", "");
  open_socket(roster, AF_VSOCK, SOCK_STREAM, 0, "vsock", "");
  open_socket(roster, AF_XDP, SOCK_RAW, 0, "socket", "express data path");
}

}  // namespace plumb::factory
