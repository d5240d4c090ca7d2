// SPDX-License-Identifier: Apache-2.0
// A socket as a survey saw it. Several descriptors can stand for one socket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "detect/record/text_pool.h"
#include "plumb/base/clock.h"

namespace plumb::detect {

// The kernel's name for a socket, unique while it lives: the address of its struct sock (from
// BPF), or its inode (from sock_diag). The two never meet in one survey.
enum class SocketId : std::uint64_t {};

// TCP's states with the kernel's numbers (include/net/tcp_states.h); other families use
// kEstablished, kClose and kListen as the kernel does for them.
enum class SocketState : std::uint8_t {
  kUnknown = 0,
  kEstablished = 1,
  kSynSent,
  kSynRecv,
  kFinWait1,
  kFinWait2,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kClosing,
  kNewSynRecv,
};

// An address and port. IPv4 stands in the first four bytes.
struct IpEndpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  friend bool operator==(const IpEndpoint&, const IpEndpoint&) = default;
};

// An address of a family whose addresses are numbers: vsock's context id and port (vsock(7)), and
// netlink's port id, which has no host (netlink(7)).
struct NumberEndpoint {
  std::uint32_t host = 0;
  std::uint32_t port = 0;
  friend bool operator==(const NumberEndpoint&, const NumberEndpoint&) = default;
};

// They stand in the bytes of an IpEndpoint, because few sockets have them and every socket would
// have to make room.
inline IpEndpoint endpoint_of(NumberEndpoint numbers) {
  IpEndpoint endpoint;
  std::memcpy(endpoint.address.data(), &numbers, sizeof numbers);
  return endpoint;
}
inline NumberEndpoint numbers_of(const IpEndpoint& endpoint) {
  NumberEndpoint numbers;
  std::memcpy(&numbers, endpoint.address.data(), sizeof numbers);
  return numbers;
}
// vsock says of an end that is not bound or not connected "any" twice; here it is no address.
inline IpEndpoint vsock_endpoint(NumberEndpoint numbers) {
  constexpr std::uint32_t kAny = 0xffffffff;  // VMADDR_CID_ANY, VMADDR_PORT_ANY
  if (numbers == NumberEndpoint{kAny, kAny}) return {};
  return endpoint_of(numbers);
}

struct Socket {
  SocketId id{};
  std::uint16_t family = 0;  // AF_*
  std::uint16_t type = 0;    // SOCK_*
  std::uint16_t protocol = 0;
  SocketState state = SocketState::kUnknown;
  bool ipv6 = false;  // how to read the addresses: AF_INET6, not AF_INET
  std::uint64_t inode = 0;
  std::uint32_t net_namespace = 0;  // inode in nsfs; 0: unknown

  IpEndpoint local;   // IP families; of vsock and netlink see numbers_of()
  IpEndpoint remote;  // all zero where not connected
  TextRef path;       // unix: the bound name; an abstract one begins with NUL. packet: interface
  std::uint32_t device = 0;      // bound interface (SO_BINDTODEVICE, packet); 0: none
  std::optional<SocketId> peer;  // unix: the connected socket. IP ends are matched by address
  bool peer_in_queue = false;    // unix: the peer waits in a listener's queue, no process has it
  std::optional<SocketId> listener;  // unix: where peer_in_queue, whose queue it is

  std::optional<std::uint32_t> receive_queue;  // bytes unread; a FIN unread counts 1
  std::optional<std::uint32_t> send_queue;     // bytes not yet acknowledged, or not yet read
  std::uint32_t in_flight = 0;  // unix: descriptors sent to it and not received; 0 without BPF
  std::optional<std::uint32_t> accept_queue;  // listeners: connections that wait for accept()
  std::optional<std::uint32_t> backlog;       // listeners: how many may
  std::optional<BootTime> last_sent;          // TCP: last data segment sent
  std::optional<BootTime> last_received;      // TCP: last data segment received
  bool shut_receive = false;                  // SHUT_RD, or the peer's end was seen
  bool shut_send = false;
};

}  // namespace plumb::detect
