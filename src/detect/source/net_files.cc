// SPDX-License-Identifier: Apache-2.0
// Parsers of the socket tables in text.
#include "detect/source/net_files.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// "0100007F:0CEA": the address in hexadecimal words as they lie in memory, then the port.
std::optional<IpEndpoint> parse_endpoint(std::string_view text, bool ipv6) {
  constexpr std::size_t kDigits = 8;
  const std::size_t words = ipv6 ? 4 : 1;
  if (text.size() < words * kDigits + 2 || text[words * kDigits] != ':') return std::nullopt;
  IpEndpoint end;
  for (std::size_t i = 0; i < words; ++i) {
    const auto word = parse_number<std::uint32_t>(text.substr(i * kDigits, kDigits), 16);
    if (!word) return std::nullopt;
    std::memcpy(end.address.data() + i * sizeof *word, &*word, sizeof *word);
  }
  const auto port = parse_number<std::uint16_t>(text.substr(words * kDigits + 1), 16);
  if (!port) return std::nullopt;
  end.port = *port;
  return end;
}

// The first `count` words of the line; nothing where there are fewer.
template <std::size_t count>
std::optional<std::array<std::string_view, count>> words_of(std::string_view& line) {
  std::array<std::string_view, count> words;
  for (auto& word : words) {
    word = take_word(line);
    if (word.empty()) return std::nullopt;
  }
  return words;
}

std::optional<Socket> with_inode(Socket socket, std::string_view inode_text) {
  const auto inode = parse_number<std::uint64_t>(inode_text);
  if (!inode || *inode == 0) return std::nullopt;
  socket.inode = *inode;
  socket.id = SocketId(*inode);
  return socket;
}

}  // namespace

std::optional<Socket> parse_inet_line(std::string_view line, bool ipv6, std::uint16_t type,
                                      std::uint16_t protocol) {
  enum {
    kSlot,
    kLocal,
    kRemote,
    kState,
    kQueues,
    kTimer,
    kRetransmits,
    kUid,
    kTimeout,
    kInode,
    kCount
  };
  const auto words = words_of<kCount>(line);
  if (!words) return std::nullopt;
  const auto local = parse_endpoint((*words)[kLocal], ipv6);
  const auto remote = parse_endpoint((*words)[kRemote], ipv6);
  const auto state = parse_number<std::uint8_t>((*words)[kState], 16);
  if (!local || !remote || !state) return std::nullopt;

  Socket socket;
  socket.family = ipv6 ? AF_INET6 : AF_INET;
  socket.ipv6 = ipv6;
  socket.type = type;
  socket.protocol = protocol;
  if (*state <= static_cast<std::uint8_t>(SocketState::kNewSynRecv)) {
    socket.state = SocketState(*state);
  }
  socket.local = *local;
  socket.remote = *remote;
  auto queues = (*words)[kQueues];
  const auto send = parse_number<std::uint32_t>(take_until(queues, ':'), 16);
  const auto receive = parse_number<std::uint32_t>(queues, 16);
  if (type == SOCK_RAW) {
    // a raw socket's number is its protocol
    socket.protocol = socket.local.port;
    socket.local.port = 0;
  }
  if (socket.state == SocketState::kListen) {
    socket.accept_queue = receive;
  } else {
    socket.send_queue = send;
    socket.receive_queue = receive;
  }
  return with_inode(socket, (*words)[kInode]);
}

std::optional<UnixLine> parse_unix_line(std::string_view line) {
  enum { kAddress, kReferences, kProtocol, kFlags, kType, kState, kInode, kCount };
  constexpr std::uint32_t kAccepting = 0x10000;  // __SO_ACCEPTCON
  constexpr std::string_view kConnected = "03";  // SS_CONNECTED (linux/net.h)
  const auto words = words_of<kCount>(line);
  if (!words) return std::nullopt;
  const auto flags = parse_number<std::uint32_t>((*words)[kFlags], 16);
  const auto type = parse_number<std::uint16_t>((*words)[kType], 16);
  if (!flags || !type) return std::nullopt;
  Socket socket;
  socket.family = AF_UNIX;
  socket.type = *type;
  socket.state = (*flags & kAccepting) != 0       ? SocketState::kListen
                 : (*words)[kState] == kConnected ? SocketState::kEstablished
                                                  : SocketState::kClose;
  const auto held = with_inode(socket, (*words)[kInode]);
  if (!held) return std::nullopt;
  if (line.starts_with(' ')) line.remove_prefix(1);
  return UnixLine{.socket = *held, .path = line};
}

std::optional<Socket> parse_netlink_line(std::string_view line) {
  enum {
    kAddress,
    kProtocol,
    kPort,
    kGroups,
    kReceive,
    kSend,
    kDump,
    kLocks,
    kDrops,
    kInode,
    kCount
  };
  const auto words = words_of<kCount>(line);
  if (!words) return std::nullopt;
  const auto protocol = parse_number<std::uint16_t>((*words)[kProtocol]);
  const auto port = parse_number<std::uint32_t>((*words)[kPort]);
  if (!protocol || !port) return std::nullopt;
  Socket socket;
  socket.local = endpoint_of({0, *port});
  socket.family = AF_NETLINK;
  socket.type = SOCK_RAW;
  socket.protocol = *protocol;
  return with_inode(socket, (*words)[kInode]);
}

std::optional<Socket> parse_packet_line(std::string_view line) {
  enum {
    kAddress,
    kReferences,
    kType,
    kProtocol,
    kDevice,
    kRunning,
    kReceive,
    kUser,
    kInode,
    kCount
  };
  const auto words = words_of<kCount>(line);
  if (!words) return std::nullopt;
  const auto type = parse_number<std::uint16_t>((*words)[kType]);
  const auto protocol = parse_number<std::uint16_t>((*words)[kProtocol], 16);
  const auto device = parse_number<std::uint32_t>((*words)[kDevice]);
  if (!type || !protocol || !device) return std::nullopt;
  Socket socket;
  socket.family = AF_PACKET;
  socket.type = *type;
  socket.protocol = *protocol;
  socket.device = *device;
  return with_inode(socket, (*words)[kInode]);
}

}  // namespace plumb::detect
