// SPDX-License-Identifier: Apache-2.0
// Requests and answers of NETLINK_SOCK_DIAG (sock_diag(7), netlink(7)).
#include "detect/source/diag_channel.h"

#include <linux/if.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "detect/source/net_namespace.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kEveryState = ~0U;
// The kernel fills at most 32 KiB at a time for a reader who offers as much.
constexpr std::size_t kBuffer = std::size_t{64} << 10;

template <typename Request>
struct Message {
  nlmsghdr head{};
  Request request{};
  Message() {
    head.nlmsg_len = sizeof *this;
    head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  }
  Bytes bytes() const { return std::as_bytes(std::span(this, 1)); }
};

// What one datagram from the kernel means for the dump.
enum class Progress { kMore, kDone };

Result<Progress> take_answers(Bytes datagram, const char* table, const DiagChannel::Visit& visit) {
  while (const auto head = struct_at_front<nlmsghdr>(datagram)) {
    if (head->nlmsg_len < sizeof *head || head->nlmsg_len > datagram.size()) break;
    const auto payload = datagram.subspan(sizeof *head, head->nlmsg_len - sizeof *head);
    // NLMSG_DONE carries an error too: some tables fail only after they were asked.
    if (head->nlmsg_type == NLMSG_ERROR || head->nlmsg_type == NLMSG_DONE) {
      const auto code = struct_at_front<int>(payload).value_or(0);
      if (code < 0) return fail("sock_diag", table, -code);
      return Progress::kDone;
    }
    visit(payload);
    const auto padded = std::min<std::size_t>(NLMSG_ALIGN(head->nlmsg_len), datagram.size());
    datagram = datagram.subspan(padded);
  }
  return Progress::kMore;
}

}  // namespace

DiagChannel::DiagChannel(UniqueFd socket) : socket_(std::move(socket)), buffer_(kBuffer) {}

Result<DiagChannel> DiagChannel::open() {
  auto socket = UniqueFd::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  if (!socket) return std::move(socket).error();
  return DiagChannel(std::move(*socket));
}

Result<DiagChannel> DiagChannel::open_in(const UniqueFd& net_namespace) {
  std::optional<Result<DiagChannel>> opened;
  // A socket stays where it was made.
  auto entered = in_net_namespace(net_namespace, [&] { opened = open(); });
  if (!entered) return std::move(entered).error();
  return std::move(*opened);
}

Result<void> DiagChannel::dump(Bytes request, const char* table, const Visit& visit) {
  if (::send(socket_.get(), request.data(), request.size(), 0) < 0) {
    return fail("send to sock_diag", table, errno);
  }
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read from sock_diag", table, errno);
    const auto progress =
        take_answers(Bytes(buffer_).first(static_cast<std::size_t>(got)), table, visit);
    if (!progress) return progress.error();
    if (*progress == Progress::kDone) return {};
  }
}

Result<void> DiagChannel::dump_unix(const Visit& visit) {
  Message<unix_diag_req> message;
  message.request.sdiag_family = AF_UNIX;
  message.request.udiag_states = kEveryState;
  message.request.udiag_show =
      UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN;
  return dump(message.bytes(), "unix", visit);
}

Result<void> DiagChannel::dump_inet(std::uint8_t family, std::uint8_t protocol,
                                    const Visit& visit) {
  Message<inet_diag_req_v2> message;
  message.request.sdiag_family = family;
  message.request.sdiag_protocol = protocol;
  if (protocol == IPPROTO_TCP) message.request.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  message.request.idiag_states = kEveryState;
  return dump(message.bytes(), "inet", visit);
}

Result<void> DiagChannel::dump_tcp(std::uint8_t family, std::uint32_t states, const Visit& visit) {
  Message<inet_diag_req_v2> message;
  message.request.sdiag_family = family;
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_states = states;
  return dump(message.bytes(), "inet", visit);
}

Result<void> DiagChannel::dump_netlink(const Visit& visit) {
  Message<netlink_diag_req> message;
  message.request.sdiag_family = AF_NETLINK;
  message.request.sdiag_protocol = NDIAG_PROTO_ALL;
  return dump(message.bytes(), "netlink", visit);
}

Result<void> DiagChannel::dump_packet(const Visit& visit) {
  Message<packet_diag_req> message;
  message.request.sdiag_family = AF_PACKET;
  message.request.pdiag_show = PACKET_SHOW_INFO;
  return dump(message.bytes(), "packet", visit);
}

Result<void> DiagChannel::dump_vsock(const Visit& visit) {
  Message<vsock_diag_req> message;
  message.request.sdiag_family = AF_VSOCK;
  message.request.vdiag_states = kEveryState;
  return dump(message.bytes(), "vsock", visit);
}

std::string DiagChannel::interface_name(std::uint32_t index) const {
  ifreq request{};
  request.ifr_ifindex = static_cast<int>(index);
  if (::ioctl(socket_.get(), SIOCGIFNAME, &request) != 0) return {};
  return std::string(request.ifr_name, ::strnlen(request.ifr_name, sizeof request.ifr_name));
}

}  // namespace plumb::detect
