// SPDX-License-Identifier: Apache-2.0
// Messages of sock_diag, built field by field as the kernel does, whole and cut at every byte.
#include "detect/source/socket_diag.h"

#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace plumb::detect {
namespace {

using std::chrono::milliseconds;

// A message: a head, then attributes of u16 length, u16 type and a padded value.
class Message {
 public:
  template <typename Head>
  explicit Message(const Head& head) {
    append(head);
  }
  template <typename Value>
  Message& with(std::uint16_t type, const Value& value) {
    return with_bytes(type, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  Message& with_bytes(std::uint16_t type, std::string_view value) {
    append(static_cast<std::uint16_t>(value.size() + 4));
    append(type);
    for (const char c : value) bytes_.push_back(std::byte(c));
    while (bytes_.size() % 4 != 0) bytes_.push_back(std::byte(0));
    return *this;
  }
  Bytes bytes() const { return bytes_; }

 private:
  template <typename Value>
  void append(const Value& value) {
    const auto view = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), view.begin(), view.end());
  }
  std::vector<std::byte> bytes_;
};

Message unix_message(std::uint8_t state) {
  unix_diag_msg head{};
  head.udiag_family = AF_UNIX;
  head.udiag_type = SOCK_STREAM;
  head.udiag_state = state;
  head.udiag_ino = 77;
  return Message(head);
}

TEST(UnixDiag, AConnectedSocket) {
  auto message = unix_message(1);
  message.with(UNIX_DIAG_PEER, std::uint32_t{78})
      .with(UNIX_DIAG_RQLEN, unix_diag_rqlen{.udiag_rqueue = 5, .udiag_wqueue = 768})
      .with(UNIX_DIAG_SHUTDOWN, std::uint8_t{2});
  const auto answer = parse_unix_diag(message.bytes());
  ASSERT_TRUE(answer.has_value());
  const auto& socket = answer->socket;
  EXPECT_EQ(socket.id, SocketId(77));
  EXPECT_EQ(socket.type, SOCK_STREAM);
  EXPECT_EQ(socket.state, SocketState::kEstablished);
  EXPECT_EQ(socket.peer, SocketId(78));
  EXPECT_EQ(socket.receive_queue, 5u);
  EXPECT_EQ(socket.send_queue, 768u);
  EXPECT_FALSE(socket.accept_queue.has_value());
  EXPECT_TRUE(socket.shut_send);
  EXPECT_FALSE(socket.shut_receive);
}

TEST(UnixDiag, AListenerAndItsQueue) {
  const std::uint32_t waiting[] = {90, 91};
  auto message = unix_message(10);
  message.with_bytes(UNIX_DIAG_NAME, std::string_view("/run/s\0", 7))
      .with(UNIX_DIAG_ICONS, waiting)
      .with(UNIX_DIAG_RQLEN, unix_diag_rqlen{.udiag_rqueue = 2, .udiag_wqueue = 128});
  const auto answer = parse_unix_diag(message.bytes());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->path, "/run/s");
  EXPECT_EQ(answer->socket.accept_queue, 2u);
  EXPECT_EQ(answer->socket.backlog, 128u);
  EXPECT_FALSE(answer->socket.receive_queue.has_value());
  ASSERT_EQ(answer->queued.size(), 8u);
  EXPECT_EQ(queued_inode(answer->queued, 1), 91u);
}

TEST(UnixDiag, EveryByteOfAnAbstractNameCounts) {
  const std::string_view name("\0x\0\0", 4);
  auto message = unix_message(7);
  message.with_bytes(UNIX_DIAG_NAME, name);
  EXPECT_EQ(parse_unix_diag(message.bytes())->path, name);
}

TEST(UnixDiag, APeerWithoutInodeIsNoPeer) {
  auto message = unix_message(1);
  message.with(UNIX_DIAG_PEER, std::uint32_t{0});
  EXPECT_FALSE(parse_unix_diag(message.bytes())->socket.peer.has_value());
}

inet_diag_msg inet_head(std::uint8_t state) {
  inet_diag_msg head{};
  head.idiag_family = AF_INET;
  head.idiag_state = state;
  head.idiag_inode = 55;
  head.idiag_rqueue = 3;
  head.idiag_wqueue = 9;
  head.id.idiag_sport = htons(8080);
  head.id.idiag_dport = htons(40000);
  head.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
  head.id.idiag_if = 4;
  return head;
}

constexpr BootTime kNow{std::chrono::hours(1)};

TEST(InetDiag, AddressesPortsAndQueues) {
  const auto socket = parse_inet_diag(Message(inet_head(1)).bytes(), IPPROTO_TCP, kNow);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->local.port, 8080);
  EXPECT_EQ(socket->remote.port, 40000);
  EXPECT_EQ(socket->local.address[0], 127);
  EXPECT_EQ(socket->local.address[3], 1);
  EXPECT_EQ(socket->local.address[4], 0);
  EXPECT_EQ(socket->receive_queue, 3u);
  EXPECT_EQ(socket->send_queue, 9u);
  EXPECT_EQ(socket->device, 4u);
  EXPECT_EQ(socket->type, SOCK_STREAM);
}

TEST(InetDiag, TimesOnlyOfDataThatWasThere) {
  tcp_info info{};
  info.tcpi_last_data_sent = 500;
  info.tcpi_last_data_recv = 700;
  info.tcpi_bytes_received = 1;
  Message message(inet_head(1));
  message.with(INET_DIAG_INFO, info);
  const auto socket = parse_inet_diag(message.bytes(), IPPROTO_TCP, kNow);
  EXPECT_FALSE(socket->last_sent.has_value());
  EXPECT_EQ(socket->last_received, kNow - milliseconds(700));
}

TEST(InetDiag, AnOldKernelsShortTcpInfoIsNoReadBeyondTheEnd) {
  Message message(inet_head(1));
  message.with_bytes(INET_DIAG_INFO, std::string(8, '\xff'));
  const auto socket = parse_inet_diag(message.bytes(), IPPROTO_TCP, kNow);
  EXPECT_FALSE(socket->last_sent.has_value());
  EXPECT_FALSE(socket->last_received.has_value());
}

TEST(InetDiag, AListenersNumbersAreConnections) {
  const auto socket = parse_inet_diag(Message(inet_head(10)).bytes(), IPPROTO_TCP, kNow);
  EXPECT_EQ(socket->accept_queue, 3u);
  EXPECT_EQ(socket->backlog, 9u);
  EXPECT_FALSE(socket->receive_queue.has_value());
}

TEST(InetDiag, WithoutAnInodeTheCookieNamesIt) {
  auto head = inet_head(6);
  head.idiag_inode = 0;
  head.id.idiag_cookie[0] = 7;
  const auto socket = parse_inet_diag(Message(head).bytes(), IPPROTO_TCP, kNow);
  EXPECT_EQ(socket->inode, 0u);
  EXPECT_EQ(socket->id, SocketId((std::uint64_t{1} << 63) + 7));
}

TEST(InetDiag, TypesOfTheOtherProtocols) {
  const Message message(inet_head(7));
  EXPECT_EQ(parse_inet_diag(message.bytes(), IPPROTO_UDP, kNow)->type, SOCK_DGRAM);
  EXPECT_EQ(parse_inet_diag(message.bytes(), IPPROTO_RAW, kNow)->type, SOCK_RAW);
}

TEST(RareDiag, NetlinkPacketAndVsock) {
  netlink_diag_msg netlink{};
  netlink.ndiag_ino = 5;
  netlink.ndiag_type = SOCK_RAW;
  netlink.ndiag_protocol = 9;
  netlink.ndiag_portid = 70'000;
  EXPECT_EQ(parse_netlink_diag(Message(netlink).bytes())->protocol, 9);
  EXPECT_EQ(numbers_of(parse_netlink_diag(Message(netlink).bytes())->local),
            (NumberEndpoint{0, 70'000}));

  packet_diag_msg packet{};
  packet.pdiag_ino = 6;
  packet.pdiag_num = 3;
  Message message(packet);
  packet_diag_info info{};
  info.pdi_index = 2;
  message.with(PACKET_DIAG_INFO, info);
  EXPECT_EQ(parse_packet_diag(message.bytes())->device, 2u);

  vsock_diag_msg vsock{};
  vsock.vdiag_ino = 8;
  vsock.vdiag_state = 10;
  vsock.vdiag_shutdown = 1;
  EXPECT_EQ(parse_vsock_diag(Message(vsock).bytes())->state, SocketState::kListen);
  EXPECT_TRUE(parse_vsock_diag(Message(vsock).bytes())->shut_receive);
  vsock.vdiag_src_cid = 3;
  vsock.vdiag_src_port = 100'000;
  EXPECT_EQ(numbers_of(parse_vsock_diag(Message(vsock).bytes())->local),
            (NumberEndpoint{3, 100'000}));
}

TEST(SocketDiag, CutAtEveryByte) {
  auto message = unix_message(10);
  message.with_bytes(UNIX_DIAG_NAME, "/run/socket").with(UNIX_DIAG_PEER, std::uint32_t{1});
  const auto whole = message.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto answer = parse_unix_diag(whole.first(size));
    EXPECT_EQ(answer.has_value(), size >= sizeof(unix_diag_msg)) << size;
    EXPECT_FALSE(answer && answer->socket.peer) << size;
  }
}

TEST(SocketDiag, AttributesThatLieAboutTheirLengthEndTheMessage) {
  auto message = unix_message(1);
  message.with(UNIX_DIAG_PEER, std::uint32_t{78});
  std::vector<std::byte> bytes(message.bytes().begin(), message.bytes().end());
  for (const int length : {0, 1, 3, 200}) {
    bytes[sizeof(unix_diag_msg)] = std::byte(length);
    EXPECT_FALSE(parse_unix_diag(bytes)->socket.peer.has_value()) << length;
  }
}

}  // namespace
}  // namespace plumb::detect
