// SPDX-License-Identifier: Apache-2.0
// Which kind a descriptor is, from what any source can see of it: the file's mode, its device, its
// file system and the name that the kernel prints for it. Pure; both sources decide here, so that
// they cannot disagree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/record/kind.h"

namespace plumb::detect {

// The file systems that decide a kind: super_block::s_magic, which statfs(2) gives as f_type
// (include/uapi/linux/magic.h).
enum class Filesystem : std::uint64_t {
  kUnseen = 0,
  kAnonymousInodes = 0x09041934,
  kDmabuf = 0x444d4142,
  kHugePages = 0x958458f6,
  kMqueue = 0x19800202,
  kNamespaces = 0x6e736673,
  kPidfs = 0x50494446,
  kSecretMemory = 0x5345434d,
  kSockets = 0x534f434b,
  kTmpfs = 0x01021994,
};

struct FileFacts {
  std::uint32_t mode = 0;        // st_mode; anonymous inodes have no type in it
  std::uint32_t rdev_major = 0;  // of a device node
  std::uint32_t rdev_minor = 0;
  Filesystem filesystem = Filesystem::kUnseen;
  // As in the link /proc/PID/fd/N or from bpf_d_path: "/var/log/x", "anon_inode:[eventpoll]",
  // "net:[4026531833]"; a bare dentry name serves as well.
  std::string_view name{};
};

// Everything but sockets, whose kind is their protocol's: kSocket stands for "ask
// classify_socket". kUnknown where nothing fits.
Kind classify(const FileFacts& facts);

// AF_*, SOCK_* and IPPROTO_* as the socket was made. Multipath TCP counts as TCP and UDP-Lite as
// UDP; SCTP, ping sockets and other families are kSocket.
Kind classify_socket(std::uint16_t family, std::uint16_t type, std::uint16_t protocol);

// What Descriptor::name holds: a path without the " (deleted)" that the kernel adds where
// `unlinked` says so already, anonymous inodes as their kernel's name in one pair of brackets
// ("[eventpoll]",
// "[inotify]"), a memfd by the name that its maker gave ("memfd:cache"), nothing for sockets and
// pipes. The view points into `name`, or into `buffer` where it had to be built.
struct NameBuffer {
  char bytes[64];
};
std::string_view printed_name(Kind kind, std::string_view name, bool unlinked, NameBuffer& buffer);

// Which end of which pseudo-terminal a device number stands for.
struct PtyNumber {
  bool master = false;
  // N of /dev/pts/N. Unknown for a master from /dev/ptmx: its fdinfo says it ("tty-index").
  std::optional<std::uint32_t> index;
};
std::optional<PtyNumber> pty_of(std::uint32_t rdev_major, std::uint32_t rdev_minor);

}  // namespace plumb::detect
