// SPDX-License-Identifier: Apache-2.0
// Which tables are asked in which way, and what is said when they do not answer.
#include "detect/source/socket_table.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "detect/source/net_files.h"
#include "detect/source/socket_diag.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kNetFileLimit = std::size_t{1} << 30;  // 6 million lines
constexpr std::uint16_t kMultipathTcp = 262;

struct ProtocolRow {
  std::string_view name;
  ProtocolName meaning;
};
// struct proto::name, which system.sockprotoname shows. "UNIX" is both datagram and seqpacket.
constexpr std::array kProtocols = {
    ProtocolRow{"UNIX-STREAM", {AF_UNIX, SOCK_STREAM, 0}},
    ProtocolRow{"UNIX", {AF_UNIX, 0, 0}},
    ProtocolRow{"TCP", {AF_INET, SOCK_STREAM, IPPROTO_TCP}},
    ProtocolRow{"TCPv6", {AF_INET6, SOCK_STREAM, IPPROTO_TCP}},
    ProtocolRow{"MPTCP", {AF_INET, SOCK_STREAM, kMultipathTcp}},
    ProtocolRow{"MPTCPv6", {AF_INET6, SOCK_STREAM, kMultipathTcp}},
    ProtocolRow{"UDP", {AF_INET, SOCK_DGRAM, IPPROTO_UDP}},
    ProtocolRow{"UDPv6", {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}},
    ProtocolRow{"UDP-Lite", {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}},
    ProtocolRow{"UDPLITEv6", {AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE}},
    ProtocolRow{"PING", {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}},
    ProtocolRow{"PINGv6", {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6}},
    ProtocolRow{"RAW", {AF_INET, SOCK_RAW, 0}},
    ProtocolRow{"RAWv6", {AF_INET6, SOCK_RAW, 0}},
    ProtocolRow{"NETLINK", {AF_NETLINK, SOCK_RAW, 0}},
    ProtocolRow{"PACKET", {AF_PACKET, SOCK_RAW, 0}},
    ProtocolRow{"AF_VSOCK", {AF_VSOCK, SOCK_STREAM, 0}},
    ProtocolRow{"XDP", {AF_XDP, SOCK_RAW, 0}},
    ProtocolRow{"ALG", {AF_ALG, SOCK_SEQPACKET, 0}},
};

// A table in text, and what reads a line of it.
struct TextTable {
  std::string_view file;
  std::optional<Socket> (*parse)(std::string_view line);
};
constexpr TextTable kTcp = {"/net/tcp", [](std::string_view line) {
                              return parse_inet_line(line, false, SOCK_STREAM, IPPROTO_TCP);
                            }};
constexpr TextTable kTcp6 = {"/net/tcp6", [](std::string_view line) {
                               return parse_inet_line(line, true, SOCK_STREAM, IPPROTO_TCP);
                             }};
constexpr TextTable kUdp = {"/net/udp", [](std::string_view line) {
                              return parse_inet_line(line, false, SOCK_DGRAM, IPPROTO_UDP);
                            }};
constexpr TextTable kUdp6 = {"/net/udp6", [](std::string_view line) {
                               return parse_inet_line(line, true, SOCK_DGRAM, IPPROTO_UDP);
                             }};
constexpr TextTable kRaw = {
    "/net/raw", [](std::string_view line) { return parse_inet_line(line, false, SOCK_RAW, 0); }};
constexpr TextTable kRaw6 = {
    "/net/raw6", [](std::string_view line) { return parse_inet_line(line, true, SOCK_RAW, 0); }};
constexpr TextTable kNetlink = {"/net/netlink", parse_netlink_line};
constexpr TextTable kPacket = {"/net/packet", parse_packet_line};

}  // namespace

ProtocolName parse_protocol_name(std::string_view name) {
  name = name.substr(0, name.find('\0'));
  const auto* row = std::find_if(kProtocols.begin(), kProtocols.end(),
                                 [name](const ProtocolRow& r) { return r.name == name; });
  return row == kProtocols.end() ? ProtocolName{} : row->meaning;
}

void SocketTable::add(Socket socket, std::string_view path) {
  socket.net_namespace = net_namespace_;
  socket.path = survey_.texts.add(path);
  // Sockets that no process holds share inode 0; the first entry of any other inode stands.
  if (socket.inode != 0) {
    const auto index = static_cast<std::uint32_t>(survey_.sockets.size());
    if (!by_inode_.try_emplace(socket.inode, index).second) return;
  }
  survey_.sockets.push_back(socket);
}

std::optional<SocketIndex> SocketTable::find(std::uint64_t inode) const {
  const auto found = by_inode_.find(inode);
  if (found == by_inode_.end()) return std::nullopt;
  return SocketIndex(found->second);
}

SocketIndex SocketTable::add_unlisted(std::uint64_t inode, std::string_view protocol_name) {
  const auto meaning = parse_protocol_name(protocol_name);
  Socket socket;
  socket.id = SocketId(inode);
  socket.inode = inode;
  socket.family = meaning.family;
  socket.type = meaning.type;
  socket.protocol = meaning.protocol;
  socket.ipv6 = meaning.family == AF_INET6;
  // TCP and UDP keep every socket that has a port in their tables.
  if (complete_ && meaning.protocol != 0) socket.state = SocketState::kClose;
  if (meaning.family == AF_VSOCK && !vsock_told_) {
    vsock_told_ = true;
    survey_.blinds.push_back({.what = "states of vsock sockets",
                              .remedy = "run plumb as root, for BPF; /proc needs a kernel with "
                                        "CONFIG_VSOCKETS_DIAG"});
  }
  net_namespace_ = 0;
  add(socket);
  return SocketIndex(by_inode_.at(inode));
}

template <typename Line>
void SocketTable::read_text(Pid pid, std::string_view file, Line take_line) {
  auto text = reader_.read(proc_, ProcPath(number(pid), file).c_str(), kNetFileLimit);
  if (!text) {
    if (reader_.error() == ENOENT || reader_.error() == ESRCH) return;  // no IPv6 here; it died
    survey_.blinds.push_back({.what = "sockets of " + std::string(file) + " in network namespace " +
                                      std::to_string(net_namespace_),
                              .remedy = "run plumb as root"});
    return;
  }
  while (!text->empty()) take_line(take_until(*text, '\n'));
}

template <typename Table>
void SocketTable::add_text(Pid pid, const Table& table) {
  read_text(pid, table.file, [&](std::string_view line) {
    if (const auto socket = table.parse(line)) add(*socket);
  });
}

void SocketTable::add_unix_text(Pid pid) {
  read_text(pid, "/net/unix", [&](std::string_view line) {
    const auto row = parse_unix_line(line);
    if (!row) return;
    std::string path(row->path);
    if (path.starts_with('@')) path.front() = '\0';
    add(row->socket, path);
  });
}

void SocketTable::add_namespace(Pid pid, std::uint32_t inode, bool own) {
  net_namespace_ = inode;
  auto channel = [&]() -> Result<DiagChannel> {
    if (own) return DiagChannel::open();
    const UniqueFd file(
        ::openat(proc_.get(), ProcPath(number(pid), "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail("open", "a network namespace", errno, "run as root");
    return DiagChannel::open_in(file);
  }();
  if (channel) {
    add_by_diag(*channel, pid);
    point_clients_at_listeners();
    return;
  }
  complete_ = false;
  survey_.blinds.push_back(
      {.what = "peers, accept queues and times of the sockets in network namespace " +
               std::to_string(inode) + ": " + channel.error().message(),
       .remedy = own ? "allow NETLINK_SOCK_DIAG" : "run plumb as root"});
  add_all_text(pid);
}

void SocketTable::add_by_diag(DiagChannel& channel, Pid pid) {
  const auto now = BootClock::now();
  add_unix(channel, pid);

  struct InetTable {
    std::uint8_t family;
    std::uint8_t protocol;
    const TextTable* text;  // the same, or null
  };
  const InetTable tables[] = {
      {AF_INET, IPPROTO_TCP, &kTcp},       {AF_INET6, IPPROTO_TCP, &kTcp6},
      {AF_INET, IPPROTO_UDP, &kUdp},       {AF_INET6, IPPROTO_UDP, &kUdp6},
      {AF_INET, IPPROTO_RAW, &kRaw},       {AF_INET6, IPPROTO_RAW, &kRaw6},
      {AF_INET, IPPROTO_UDPLITE, nullptr}, {AF_INET6, IPPROTO_UDPLITE, nullptr},
  };
  for (const auto& table : tables) {
    const auto asked = channel.dump_inet(table.family, table.protocol, [&](Bytes message) {
      if (const auto socket = parse_inet_diag(message, table.protocol, now)) add(*socket);
    });
    // CONFIG_INET_RAW_DIAG and others are options of the kernel; the text is always there.
    if (!asked && table.text != nullptr) add_text(pid, *table.text);
  }
  const auto netlink = channel.dump_netlink([&](Bytes message) {
    if (const auto socket = parse_netlink_diag(message)) add(*socket);
  });
  if (!netlink) add_text(pid, kNetlink);
  const auto packet = channel.dump_packet([&](Bytes message) {
    const auto socket = parse_packet_diag(message);
    if (socket) add(*socket, channel.interface_name(socket->device));
  });
  if (!packet) add_text(pid, kPacket);
  // No text stands in for this one: what it lacks is said when a vsock socket is met.
  [[maybe_unused]] const auto vsock = channel.dump_vsock([&](Bytes message) {
    if (const auto socket = parse_vsock_diag(message)) add(*socket);
  });
}

void SocketTable::add_unix(DiagChannel& channel, Pid pid) {
  const auto asked = channel.dump_unix([&](Bytes message) {
    const auto answer = parse_unix_diag(message);
    if (!answer) return;
    add(answer->socket, answer->path);
    for (std::size_t i = 0; i < answer->queued.size() / sizeof(std::uint32_t); ++i) {
      listener_of_[queued_inode(answer->queued, i)] = answer->socket.id;
    }
  });
  if (!asked) add_unix_text(pid);
}

// A client in a queue has a peer that no process holds yet; only the listener knows of it.
void SocketTable::point_clients_at_listeners() {
  for (const auto& [client, listener] : listener_of_) {
    const auto index = find(client);
    if (!index) continue;
    auto& socket = survey_.sockets[number(*index)];
    socket.peer_in_queue = true;
    socket.listener = listener;
  }
  listener_of_.clear();
}

void SocketTable::add_all_text(Pid pid) {
  add_unix_text(pid);
  for (const auto* table : {&kTcp, &kTcp6, &kUdp, &kUdp6, &kRaw, &kRaw6, &kNetlink, &kPacket}) {
    add_text(pid, *table);
  }
}

}  // namespace plumb::detect
