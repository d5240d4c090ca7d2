// SPDX-License-Identifier: Apache-2.0
// The messages of sock_diag, family by family. The structs are the kernel's own, from linux/*.h.
#include "detect/source/socket_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cstring>

namespace plumb::detect {
namespace {

// sk_shutdown (include/net/sock.h)
constexpr std::uint8_t kReceiveShut = 1;
constexpr std::uint8_t kSendShut = 2;

constexpr std::uint16_t big_endian(std::uint16_t value) {
  return std::endian::native == std::endian::big
             ? value
             : static_cast<std::uint16_t>((value << 8) | (value >> 8));
}

SocketState state_of(std::uint8_t state) {
  return state <= static_cast<std::uint8_t>(SocketState::kNewSynRecv) ? SocketState(state)
                                                                      : SocketState::kUnknown;
}

void set_shutdown(Socket& socket, Bytes value) {
  const auto bits = struct_at_front<std::uint8_t>(value).value_or(0);
  socket.shut_receive = (bits & kReceiveShut) != 0;
  socket.shut_send = (bits & kSendShut) != 0;
}

// A listener's numbers are connections, everybody else's are bytes.
void set_queues(Socket& socket, std::uint32_t receive, std::uint32_t send) {
  if (socket.state == SocketState::kListen) {
    socket.accept_queue = receive;
    socket.backlog = send;
  } else {
    socket.receive_queue = receive;
    socket.send_queue = send;
  }
}

void set_tcp_times(Socket& socket, Bytes value, BootTime now) {
  if (socket.state == SocketState::kListen) return;
  const auto info = struct_prefix<tcp_info>(value);
  // Before the first byte the times count from the socket's birth, or from the start of the clock.
  if (info.tcpi_bytes_sent > 0) {
    socket.last_sent = now - std::chrono::milliseconds(info.tcpi_last_data_sent);
  }
  if (info.tcpi_bytes_received > 0) {
    socket.last_received = now - std::chrono::milliseconds(info.tcpi_last_data_recv);
  }
}

IpEndpoint endpoint(const std::uint32_t (&address)[4], std::uint16_t port, bool ipv6) {
  IpEndpoint end;
  std::memcpy(end.address.data(), address, ipv6 ? sizeof address : sizeof address[0]);
  end.port = big_endian(port);
  return end;
}

std::uint16_t type_of(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      return SOCK_DGRAM;
    case IPPROTO_RAW:
      return SOCK_RAW;
    default:
      return SOCK_STREAM;
  }
}

}  // namespace

SocketId socket_id(std::uint64_t inode, const std::uint32_t (&cookie)[2]) {
  constexpr std::uint64_t kNotAnInode = std::uint64_t{1} << 63;
  if (inode != 0) return SocketId(inode);
  return SocketId(kNotAnInode | cookie[0] | (std::uint64_t{cookie[1]} << 32));
}

std::optional<UnixDiag> parse_unix_diag(Bytes message) {
  const auto head = struct_at_front<unix_diag_msg>(message);
  if (!head) return std::nullopt;
  UnixDiag answer;
  auto& socket = answer.socket;
  socket.id = socket_id(head->udiag_ino, head->udiag_cookie);
  socket.inode = head->udiag_ino;
  socket.family = AF_UNIX;
  socket.type = head->udiag_type;
  socket.state = state_of(head->udiag_state);
  for_each_attribute(message, sizeof *head, [&](std::uint16_t type, Bytes value) {
    if (type == UNIX_DIAG_NAME) {
      answer.path = as_text(value);
      // a path comes with the NUL at its end; in an abstract name every NUL counts
      if (answer.path.size() > 1 && answer.path.front() != '\0' && answer.path.back() == '\0') {
        answer.path.remove_suffix(1);
      }
    } else if (type == UNIX_DIAG_PEER) {
      // 0: the peer waits in a listener's queue, or is closed; the listener's list tells which
      const auto inode = struct_at_front<std::uint32_t>(value).value_or(0);
      if (inode != 0) socket.peer = SocketId(inode);
    } else if (type == UNIX_DIAG_ICONS) {
      answer.queued = value;
    } else if (type == UNIX_DIAG_RQLEN) {
      if (const auto queues = struct_at_front<unix_diag_rqlen>(value)) {
        set_queues(socket, queues->udiag_rqueue, queues->udiag_wqueue);
      }
    } else if (type == UNIX_DIAG_SHUTDOWN) {
      set_shutdown(socket, value);
    }
  });
  return answer;
}

std::uint64_t queued_inode(Bytes queued, std::size_t n) {
  return struct_at_front<std::uint32_t>(queued.subspan(n * sizeof(std::uint32_t))).value_or(0);
}

std::optional<Socket> parse_inet_diag(Bytes message, std::uint8_t protocol, BootTime now) {
  const auto head = struct_at_front<inet_diag_msg>(message);
  if (!head) return std::nullopt;
  Socket socket;
  socket.id = socket_id(head->idiag_inode, head->id.idiag_cookie);
  socket.inode = head->idiag_inode;
  socket.family = head->idiag_family;
  socket.type = type_of(protocol);
  socket.protocol = protocol;
  socket.state = state_of(head->idiag_state);
  socket.ipv6 = head->idiag_family == AF_INET6;
  socket.local = endpoint(head->id.idiag_src, head->id.idiag_sport, socket.ipv6);
  socket.remote = endpoint(head->id.idiag_dst, head->id.idiag_dport, socket.ipv6);
  socket.device = head->id.idiag_if;
  set_queues(socket, head->idiag_rqueue, head->idiag_wqueue);
  for_each_attribute(message, sizeof *head, [&](std::uint16_t type, Bytes value) {
    if (type == INET_DIAG_SHUTDOWN) set_shutdown(socket, value);
    if (type == INET_DIAG_INFO && protocol == IPPROTO_TCP) set_tcp_times(socket, value, now);
    if (type == INET_DIAG_PROTOCOL) {
      socket.protocol = struct_at_front<std::uint8_t>(value).value_or(protocol);
    }
  });
  return socket;
}

std::optional<Socket> parse_netlink_diag(Bytes message) {
  const auto head = struct_at_front<netlink_diag_msg>(message);
  if (!head) return std::nullopt;
  Socket socket;
  socket.id = socket_id(head->ndiag_ino, head->ndiag_cookie);
  socket.inode = head->ndiag_ino;
  socket.family = AF_NETLINK;
  socket.type = head->ndiag_type;
  socket.protocol = head->ndiag_protocol;
  socket.local = endpoint_of({0, head->ndiag_portid});
  socket.remote = endpoint_of({0, head->ndiag_dst_portid});
  return socket;
}

std::optional<Socket> parse_packet_diag(Bytes message) {
  const auto head = struct_at_front<packet_diag_msg>(message);
  if (!head) return std::nullopt;
  Socket socket;
  socket.id = socket_id(head->pdiag_ino, head->pdiag_cookie);
  socket.inode = head->pdiag_ino;
  socket.family = AF_PACKET;
  socket.type = head->pdiag_type;
  socket.protocol = head->pdiag_num;
  for_each_attribute(message, sizeof *head, [&](std::uint16_t type, Bytes value) {
    if (type != PACKET_DIAG_INFO) return;
    socket.device = static_cast<std::uint32_t>(struct_prefix<packet_diag_info>(value).pdi_index);
  });
  return socket;
}

std::optional<Socket> parse_vsock_diag(Bytes message) {
  const auto head = struct_at_front<vsock_diag_msg>(message);
  if (!head) return std::nullopt;
  Socket socket;
  socket.id = socket_id(head->vdiag_ino, head->vdiag_cookie);
  socket.inode = head->vdiag_ino;
  socket.family = AF_VSOCK;
  socket.type = head->vdiag_type;
  socket.state = state_of(head->vdiag_state);
  socket.local = vsock_endpoint({head->vdiag_src_cid, head->vdiag_src_port});
  socket.remote = vsock_endpoint({head->vdiag_dst_cid, head->vdiag_dst_port});
  socket.shut_receive = (head->vdiag_shutdown & kReceiveShut) != 0;
  socket.shut_send = (head->vdiag_shutdown & kSendShut) != 0;
  return socket;
}

}  // namespace plumb::detect
