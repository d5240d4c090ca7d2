// SPDX-License-Identifier: Apache-2.0
// Descriptors in words.
#include "detect/report/describe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "detect/report/describe_detail.h"
#include "detect/report/terminal.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

template <typename... Args>
void print(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

constexpr std::chrono::seconds kQuiet{60};  // a connection quiet for less is not worth a word

std::string_view type_name(std::uint16_t type) {
  switch (type) {
    case SOCK_STREAM:
      return "stream";
    case SOCK_DGRAM:
      return "dgram";
    case SOCK_SEQPACKET:
      return "seqpacket";
    case SOCK_RAW:
      return "raw";
    default:
      return "socket";
  }
}

std::string_view netlink_name(std::uint16_t protocol) {
  switch (protocol) {
    case NETLINK_ROUTE:
      return "route";
    case NETLINK_SOCK_DIAG:
      return "sock-diag";
    case NETLINK_NFLOG:
      return "nflog";
    case NETLINK_AUDIT:
      return "audit";
    case NETLINK_CONNECTOR:
      return "connector";
    case NETLINK_NETFILTER:
      return "netfilter";
    case NETLINK_KOBJECT_UEVENT:
      return "kobject-uevent";
    case NETLINK_GENERIC:
      return "generic";
    default:
      return {};
  }
}

void append_path(std::string& out, std::string_view path) {
  if (path.starts_with('\0')) {
    out += '@';
    path.remove_prefix(1);
  }
  append_clean(out, path);
}

void append_queues(std::string& out, const Survey& survey, const Descriptor& d) {
  const Socket& socket = *survey.socket_of(d);
  if (socket.state == SocketState::kListen) {
    if (socket.accept_queue) print(out, " · queue {}", *socket.accept_queue);
    if (socket.accept_queue && socket.backlog) print(out, " of {}", *socket.backlog);
    return;
  }
  if (socket.receive_queue.value_or(0) != 0) {
    out.append(" · ").append(human_size(*socket.receive_queue)).append(" unread");
  }
  if (socket.send_queue.value_or(0) != 0) {
    out.append(" · ").append(human_size(*socket.send_queue)).append(" unsent");
  }
  if (const auto idle = idle_of(survey, d); idle && *idle >= kQuiet) {
    out.append(" · quiet ").append(human_duration(*idle));
  }
}

void append_ip(std::string& out, const Socket& socket) {
  append_endpoint(out, socket.local, socket.ipv6);
  if (!(socket.remote == IpEndpoint{})) {
    out += " ↔ ";
    if (socket.remote.address == socket.local.address) {  // "127.0.0.1:80 ↔ :40000"
      print(out, ":{}", socket.remote.port);
    } else {
      append_endpoint(out, socket.remote, socket.ipv6);
    }
  }
  const bool unconnected = socket.type != SOCK_STREAM && socket.state == SocketState::kClose;
  if (socket.state != SocketState::kEstablished && !unconnected) {
    const std::string_view state = name_of(socket.state);
    if (!state.empty()) out.append(" ").append(state);
  }
}

void append_unix(std::string& out, const Joined& joined, DescriptorIndex d, const Socket& socket) {
  const Survey& survey = joined.survey;
  out += type_name(socket.type);
  if (!socket.path.empty()) {
    out += ' ';
    append_path(out, survey.texts.at(socket.path));
  } else if (const End end = joined.ends.of(d); !end.holders.empty()) {
    // A client has no name of its own: its server's says where it went.
    const Socket* peer = survey.socket_of(joined.row(end.holders.front()));
    if (peer != nullptr && !peer->path.empty()) {
      out += " ↔ ";
      append_path(out, survey.texts.at(peer->path));
    }
  }
  if (socket.state == SocketState::kListen) out += " listen";
}

void append_numbers(std::string& out, const IpEndpoint& endpoint) {
  constexpr std::uint32_t kAny = 0xffffffff;  // VMADDR_CID_ANY, VMADDR_PORT_ANY
  const NumberEndpoint numbers = numbers_of(endpoint);
  for (const auto& [value, behind] : {std::pair(numbers.host, ":"), std::pair(numbers.port, "")}) {
    out.append(value == kAny ? "*" : std::to_string(value)).append(behind);
  }
}

// "stream 2:1024 ↔ 3:52": context ids and ports.
void append_vsock(std::string& out, const Socket& socket) {
  out += type_name(socket.type);
  if (socket.local == IpEndpoint{}) return;  // not told
  out += ' ';
  append_numbers(out, socket.local);
  if (socket.state == SocketState::kEstablished) {
    out += " ↔ ";
    append_numbers(out, socket.remote);
  } else if (socket.state == SocketState::kListen) {
    out += " listen";
  }
}

void append_socket(std::string& out, const Joined& joined, DescriptorIndex d,
                   const Socket& socket) {
  switch (joined.row(d).kind) {
    case Kind::kTcp:
    case Kind::kUdp:
      append_ip(out, socket);
      break;
    case Kind::kRaw:
      print(out, "protocol {} ", socket.protocol);
      append_ip(out, socket);
      break;
    case Kind::kUnix:
      append_unix(out, joined, d, socket);
      break;
    case Kind::kNetlink:
      if (const auto name = netlink_name(socket.protocol); !name.empty()) {
        out += name;
      } else {
        print(out, "protocol {}", socket.protocol);
      }
      if (const std::uint32_t port = numbers_of(socket.local).port; port != 0) {
        print(out, " port {}", port);
      }
      break;
    case Kind::kVsock:
      append_vsock(out, socket);
      break;
    case Kind::kPacket:
      out += type_name(socket.type);
      if (!socket.path.empty()) {
        out += " on ";
        append_path(out, joined.survey.texts.at(socket.path));
      }
      break;
    default:
      print(out, "{} of family {}", type_name(socket.type), socket.family);
      break;
  }
  append_queues(out, joined.survey, joined.row(d));
}

void append_holder(std::string& out, const Joined& joined, DescriptorIndex d) {
  append_process(out, joined.survey, joined.holder(d));
  print(out, " fd {}", number(joined.row(d).fd));
}

void append_more(std::string& out, std::size_t listed, std::size_t all) {
  if (all > listed) print(out, ", {} more", all - listed);
}

}  // namespace

void append_process(std::string& out, const Survey& survey, const Process& process) {
  append_clean(out, survey.texts.at(process.name));
  print(out, "({})", number(process.key.pid));
}

void append_name(std::string& out, const Joined& joined, DescriptorIndex index) {
  const Survey& survey = joined.survey;
  const Descriptor& d = joined.row(index);
  if (d.kind == Kind::kUnreadable) {
    out += ::strerrordesc_np(d.error) != nullptr ? ::strerrordesc_np(d.error) : "unreadable";
    return;
  }
  if (const Socket* socket = survey.socket_of(d)) {
    append_socket(out, joined, index, *socket);
    return;
  }
  const std::string_view name = survey.texts.at(d.name);
  const Detail* detail = survey.detail_of(d);
  const bool bracketed = name.starts_with('[');  // an anonymous inode's kind, said already
  if (!name.empty() && !(bracketed && detail != nullptr)) {
    append_clean(out, name);
  } else if (name.empty() && d.error != 0) {
    // the file was seen, its name was not: a path beyond what the kernel prints
    const char* text = ::strerrordesc_np(d.error);
    print(out, "({})", text != nullptr ? text : "unreadable");
  } else if (d.kind == Kind::kPipe) {
    print(out, "pipe:[{}]", d.inode);
  } else if (name.empty() && detail == nullptr && d.inode != 0) {
    print(out, "inode {}", d.inode);
  }
  if (detail != nullptr) {
    const std::size_t before = out.size();
    append_detail(out, survey, *detail);
    if (out.size() != before && before != 0 && !name.empty() && !bracketed) {
      out.insert(before, " · ");
    }
  }
  if (d.kind == Kind::kFile && d.unlinked) {
    out.append(" (deleted, ").append(human_size(d.disk_bytes)).append(")");
  } else if (d.unlinked && (d.kind == Kind::kDirectory || d.kind == Kind::kFifo)) {
    out += " (deleted)";
  }
}

void append_other_end(std::string& out, const Joined& joined, DescriptorIndex d) {
  const End end = joined.ends.of(d);
  switch (end.state) {
    case EndState::kNone:
      return;
    case EndState::kNobody:
      out += "→ nobody";
      return;
    case EndState::kUnseen:
      out += "→ not visible";
      return;
    case EndState::kOutside:
      out += "→ outside";
      return;
    case EndState::kAcceptQueue:
      out += "→ accept queue";
      if (end.holders.empty()) return;
      out += " of ";
      break;
    case EndState::kHeld:
      out += "→ ";
      break;
  }
  // Somebody else first: of a pipe that one process both reads and writes, that is the news.
  const auto other = std::ranges::find_if(end.holders, [&](DescriptorIndex holder) {
    return joined.row(holder).process != joined.row(d).process;
  });
  append_holder(out, joined, other == end.holders.end() ? end.holders.front() : *other);
  append_more(out, 1, end.holders.size());
}

void append_shared(std::string& out, const Joined& joined, DescriptorIndex d) {
  const auto holders = joined.sharing.holders_of(d);
  if (holders.size() < 2) return;
  const ProcessIndex own = joined.row(d).process;
  const auto other = std::ranges::find_if(
      holders, [&](DescriptorIndex holder) { return joined.row(holder).process != own; });
  out += "= ";
  if (other != holders.end()) {
    append_holder(out, joined, *other);
  } else {
    const auto dup = std::ranges::find_if(holders, [&](DescriptorIndex h) { return h != d; });
    print(out, "fd {}", number(joined.row(*dup).fd));
  }
  append_more(out, 2, holders.size());
}

char access_letter(const Descriptor& d) {
  if ((d.flags & O_PATH) != 0) return 'p';
  switch (d.flags & O_ACCMODE) {
    case O_RDONLY:
      return 'r';
    case O_WRONLY:
      return 'w';
    default:
      return 'u';
  }
}

}  // namespace plumb::detect
