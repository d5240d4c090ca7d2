// SPDX-License-Identifier: Apache-2.0
// The tables behind classify.h: names of anonymous inodes, file systems, file types, protocols.
#include "detect/source/classify.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace plumb::detect {
namespace {

constexpr std::string_view kAnonymous = "anon_inode:";
constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kMemfdName = "memfd:";

// The names that anon_inode_getfile() is called with, without their brackets.
struct AnonymousName {
  std::string_view name;
  Kind kind;
};
constexpr std::array kAnonymousNames = {
    AnonymousName{"eventpoll", Kind::kEpoll},
    AnonymousName{"eventfd", Kind::kEventfd},
    AnonymousName{"timerfd", Kind::kTimerfd},
    AnonymousName{"signalfd", Kind::kSignalfd},
    AnonymousName{"inotify", Kind::kInotify},
    AnonymousName{"fanotify", Kind::kFanotify},
    AnonymousName{"pidfd", Kind::kPidfd},
    AnonymousName{"io_uring", Kind::kIoUring},
    AnonymousName{"perf_event", Kind::kPerfEvent},
    AnonymousName{"userfaultfd", Kind::kUserfaultfd},
    AnonymousName{"seccomp notify", Kind::kSeccomp},
    AnonymousName{"landlock-ruleset", Kind::kLandlock},
    AnonymousName{"fscontext", Kind::kMountContext},
    AnonymousName{"btf", Kind::kBpf},
};

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

std::string_view bare(std::string_view name) {
  name = without_prefix(name, kAnonymous);
  if (name.size() >= 2 && name.front() == '[' && name.back() == ']') {
    name.remove_prefix(1);
    name.remove_suffix(1);
  }
  return name;
}

Kind classify_anonymous(std::string_view name) {
  name = bare(name);
  for (const auto& row : kAnonymousNames) {
    if (row.name == name) return row.kind;
  }
  // bpf-map, bpf-prog, bpf_link (bpf-link before 5.8), bpf_iter, bpf-token
  if (starts_with_any(name, {"bpf-", "bpf_"})) return Kind::kBpf;
  return Kind::kUnknown;
}

// A namespace's link reads "net:[4026531833]"; "pid_for_children" never shows here. Used where the
// file system was not seen.
bool is_namespace_name(std::string_view name) {
  return name.ends_with(']') && starts_with_any(name, {"cgroup:[", "ipc:[", "mnt:[", "net:[",
                                                       "pid:[", "time:[", "user:[", "uts:["});
}

bool is_memfd(const FileFacts& facts) {
  // memfd_create makes "memfd:NAME" on the kernel's own mount of tmpfs, or of hugetlbfs.
  const bool may_be = facts.filesystem == Filesystem::kUnseen ||
                      facts.filesystem == Filesystem::kTmpfs ||
                      facts.filesystem == Filesystem::kHugePages;
  return may_be && without_prefix(facts.name, "/").starts_with(kMemfdName);
}

Kind classify_by_filesystem(const FileFacts& facts) {
  switch (facts.filesystem) {
    case Filesystem::kMqueue:
      return (facts.mode & S_IFMT) == S_IFREG ? Kind::kMqueue : Kind::kUnknown;
    case Filesystem::kNamespaces:
      return Kind::kNamespace;
    case Filesystem::kPidfs:
      return Kind::kPidfd;
    case Filesystem::kDmabuf:
      return Kind::kDmabuf;
    case Filesystem::kSecretMemory:
      return Kind::kMemfd;
    default:
      return Kind::kUnknown;
  }
}

}  // namespace

Kind classify(const FileFacts& facts) {
  if (const Kind kind = classify_by_filesystem(facts); kind != Kind::kUnknown) return kind;
  // Asked before the mode: stat(2) hides the type of an anonymous inode, but since Linux 6.16 its
  // i_mode, which BPF reads, says "regular file".
  if (facts.filesystem == Filesystem::kAnonymousInodes || facts.name.starts_with(kAnonymous)) {
    return classify_anonymous(facts.name);
  }
  switch (facts.mode & S_IFMT) {
    case S_IFSOCK:
      return Kind::kSocket;
    case S_IFIFO:
      // pipefs prints "pipe:[INODE]"; a path begins with a slash
      return facts.name.starts_with('/') ? Kind::kFifo : Kind::kPipe;
    case S_IFDIR:
      return Kind::kDirectory;
    case S_IFLNK:
      return Kind::kSymlink;
    case S_IFBLK:
      return Kind::kBlockDevice;
    case S_IFCHR:
      return pty_of(facts.rdev_major, facts.rdev_minor) ? Kind::kPty : Kind::kCharacterDevice;
    case S_IFREG:
      if (is_namespace_name(facts.name)) return Kind::kNamespace;
      return is_memfd(facts) ? Kind::kMemfd : Kind::kFile;
    default:
      return Kind::kUnknown;
  }
}

Kind classify_socket(std::uint16_t family, std::uint16_t type, std::uint16_t protocol) {
  constexpr std::uint16_t kMultipathTcp = 262;
  switch (family) {
    case AF_UNIX:
      return Kind::kUnix;
    case AF_NETLINK:
      return Kind::kNetlink;
    case AF_PACKET:
      return Kind::kPacket;
    case AF_VSOCK:
      return Kind::kVsock;
    case AF_INET:
    case AF_INET6:
      break;
    default:
      return Kind::kSocket;
  }
  if (type == SOCK_RAW) return Kind::kRaw;
  if (protocol == IPPROTO_TCP || protocol == kMultipathTcp) return Kind::kTcp;
  if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE) return Kind::kUdp;
  return Kind::kSocket;
}

std::string_view printed_name(Kind kind, std::string_view name, bool unlinked, NameBuffer& buffer) {
  switch (kind) {
    case Kind::kUnix:
    case Kind::kTcp:
    case Kind::kUdp:
    case Kind::kRaw:
    case Kind::kNetlink:
    case Kind::kPacket:
    case Kind::kVsock:
    case Kind::kSocket:
    case Kind::kPipe:
      // An O_PATH descriptor of a bound socket or of a FIFO does have a path.
      return name.starts_with('/') ? name : std::string_view{};
    default:
      break;
  }
  if (name.starts_with(kAnonymous)) {
    const auto rest = name.substr(kAnonymous.size());
    if (rest.starts_with('[')) return rest;
    if (rest.size() + 2 > sizeof buffer.bytes) return name;
    buffer.bytes[0] = '[';
    std::memcpy(buffer.bytes + 1, rest.data(), rest.size());
    buffer.bytes[rest.size() + 1] = ']';
    return {buffer.bytes, rest.size() + 2};
  }
  // No memfd ever had a name in a directory; secret memory claims one link all the same.
  const bool nameless = kind == Kind::kMemfd || kind == Kind::kDmabuf;
  if ((unlinked || nameless) && name.ends_with(kDeleted)) name.remove_suffix(kDeleted.size());
  if (nameless) name = without_prefix(name, "/");
  return name;
}

std::optional<PtyNumber> pty_of(std::uint32_t rdev_major, std::uint32_t rdev_minor) {
  // Documentation/admin-guide/devices.txt
  constexpr std::uint32_t kBsdMasters = 2, kBsdSlaves = 3, kAlternativeTty = 5, kPtmxMinor = 2;
  constexpr std::uint32_t kMasters = 128, kSlaves = 136, kPastSlaves = 144;
  if (rdev_major == kAlternativeTty && rdev_minor == kPtmxMinor) return PtyNumber{true, {}};
  if (rdev_major == kBsdMasters) return PtyNumber{true, rdev_minor};
  if (rdev_major == kBsdSlaves) return PtyNumber{false, rdev_minor};
  if (rdev_major >= kMasters && rdev_major < kSlaves) {
    return PtyNumber{true, (rdev_major - kMasters) * 256 + rdev_minor};
  }
  if (rdev_major >= kSlaves && rdev_major < kPastSlaves) {
    return PtyNumber{false, (rdev_major - kSlaves) * 256 + rdev_minor};
  }
  return std::nullopt;
}

}  // namespace plumb::detect
