// SPDX-License-Identifier: Apache-2.0
// Lines of /proc/net as Linux 6.18 writes them, and such as a hostile name makes.
#include "detect/source/net_files.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "detect/source/filesystems.h"
#include "detect/source/socket_table.h"

namespace plumb::detect {
namespace {

TEST(NetTcp, AConnection) {
  const auto socket = parse_inet_line(
      "   1: 0100007F:1F90 0100007F:9C40 08 0000000A:00000003 00:00000000 00000000  1000        0 "
      "4711 1 0000000000000000 20 4 30 10 -1",
      false, SOCK_STREAM, IPPROTO_TCP);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->inode, 4711u);
  EXPECT_EQ(socket->state, SocketState::kCloseWait);
  EXPECT_EQ(socket->local.address[0], 127);
  EXPECT_EQ(socket->local.port, 8080);
  EXPECT_EQ(socket->remote.port, 40000);
  EXPECT_EQ(socket->send_queue, 10u);
  EXPECT_EQ(socket->receive_queue, 3u);
}

TEST(NetTcp, AListenersSecondNumberIsItsQueue) {
  const auto socket = parse_inet_line(
      "   0: 00000000000000000000000001000000:0CEA 00000000000000000000000000000000:0000 0A "
      "00000000:00000002 00:00000000 00000000     0        0 21 1 0 100 0 0 10 0",
      true, SOCK_STREAM, IPPROTO_TCP);
  ASSERT_TRUE(socket.has_value());
  EXPECT_TRUE(socket->ipv6);
  EXPECT_EQ(socket->local.address[15], 1);
  EXPECT_EQ(socket->accept_queue, 2u);
  EXPECT_FALSE(socket->receive_queue.has_value());
}

TEST(NetRaw, TheNumberIsTheProtocol) {
  const auto socket = parse_inet_line(
      "    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
      "99 2 0000000000000000 0",
      false, SOCK_RAW, 0);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->protocol, 1);
  EXPECT_EQ(socket->local.port, 0);
}

TEST(NetTcp, HeadingsAndBrokenLinesAreNone) {
  for (const char* line :
       {"", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
        "0: 0100007F 0100007F:9C40 08 0:0 0 0 0 0 7",
        "0: 0100007F:1F90 0100007F:9C40 08 0:0 0 0 0 0",
        "0: 0100007F:1F90 0100007F:9C40 08 0:0 0 0 0 0 0",
        "0: G100007F:1F90 0100007F:9C40 08 0:0 0 0 0 0 7"}) {
    EXPECT_FALSE(parse_inet_line(line, false, SOCK_STREAM, IPPROTO_TCP).has_value()) << line;
  }
}

TEST(NetUnix, ListenersConnectionsAndNames) {
  const auto listener =
      parse_unix_line("0000000000000000: 00000002 00000000 00010000 0001 01 21212 /run/a b");
  ASSERT_TRUE(listener.has_value());
  EXPECT_EQ(listener->socket.state, SocketState::kListen);
  EXPECT_EQ(listener->path, "/run/a b");
  const auto connected =
      parse_unix_line("0000000000000000: 00000003 00000000 00000000 0002 03 21213");
  EXPECT_EQ(connected->socket.state, SocketState::kEstablished);
  EXPECT_EQ(connected->socket.type, SOCK_DGRAM);
  EXPECT_EQ(connected->path, "");
}

TEST(NetUnix, HeadingAndHalfALineAreNone) {
  EXPECT_FALSE(parse_unix_line("Num       RefCount Protocol Flags    Type St Inode Path"));
  EXPECT_FALSE(parse_unix_line("lines 1234 nginx 7 tcp"));
  EXPECT_FALSE(parse_unix_line(""));
}

TEST(NetRare, NetlinkAndPacket) {
  const auto netlink = parse_netlink_line(
      "0000000000000000 9   1213       00000000 0        0        0     2        0        8123");
  ASSERT_TRUE(netlink.has_value());
  EXPECT_EQ(netlink->protocol, 9);
  EXPECT_EQ(numbers_of(netlink->local), (NumberEndpoint{0, 1213}));
  EXPECT_EQ(netlink->inode, 8123u);
  const auto packet =
      parse_packet_line("0000000000000000 3      3    0003   2     1      0        0      8124  ");
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->type, SOCK_RAW);
  EXPECT_EQ(packet->protocol, 3);
  EXPECT_EQ(packet->device, 2u);
  EXPECT_FALSE(parse_packet_line("sk       RefCnt Type Proto  Iface R Rmem   User   Inode"));
}

TEST(ProtocolName, SaysFamilyTypeAndProtocol) {
  const auto tcp = parse_protocol_name(std::string_view("TCPv6\0", 6));
  EXPECT_EQ(tcp.family, AF_INET6);
  EXPECT_EQ(tcp.protocol, IPPROTO_TCP);
  EXPECT_EQ(parse_protocol_name("UNIX-STREAM").type, SOCK_STREAM);
  EXPECT_EQ(parse_protocol_name("nothing known").family, 0);
}

TEST(Mountinfo, DeviceAndType) {
  const auto line = parse_mount_line(
      "25 1 0:20 / /dev/mq\\040ueue rw,nosuid shared:4 master:1 - mqueue mqueue rw");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->major, 0u);
  EXPECT_EQ(line->minor, 20u);
  EXPECT_EQ(line->filesystem, Filesystem::kMqueue);
  EXPECT_EQ(parse_mount_line("25 1 0:20 / / rw - ext4 /dev/vda rw")->filesystem,
            Filesystem::kUnseen);
  EXPECT_FALSE(parse_mount_line("25 1 0:20 / / rw shared:4"));
  EXPECT_FALSE(parse_mount_line("25 1 zero / / rw - x y z"));
}

}  // namespace
}  // namespace plumb::detect
