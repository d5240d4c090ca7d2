// SPDX-License-Identifier: Apache-2.0
// What sort of thing a descriptor stands for, and the one table of the kinds' names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace plumb::detect {

enum class Kind : std::uint8_t {
  kUnknown,     // seen, but of no sort that plumb knows; never dropped
  kUnreadable,  // could not be read: Descriptor::error says why
  kFile,
  kDirectory,
  kSymlink,  // opened with O_PATH | O_NOFOLLOW
  kCharacterDevice,
  kBlockDevice,
  kFifo,  // a pipe with a name
  kPipe,
  kPty,  // either side of a pseudo-terminal
  kUnix,
  kTcp,
  kUdp,
  kRaw,
  kNetlink,
  kPacket,
  kVsock,
  kSocket,  // of another address family; its number is in Socket::family
  kEventfd,
  kEpoll,
  kTimerfd,
  kSignalfd,
  kInotify,
  kFanotify,
  kMemfd,
  kPidfd,
  kIoUring,
  kBpf,
  kPerfEvent,
  kUserfaultfd,
  kMqueue,
  kDmabuf,
  kNamespace,
  kSeccomp,
  kLandlock,
  kMountContext,  // fsopen, fspick
};

// "tcp", "epoll", …: what is printed, and what --kind takes.
std::string_view name_of(Kind kind);
std::optional<Kind> kind_named(std::string_view name);
// Every kind, in the order in which counts are printed.
std::span<const Kind> all_kinds();

}  // namespace plumb::detect
