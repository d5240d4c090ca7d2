// SPDX-License-Identifier: Apache-2.0
// What sort of thing is held: a descriptor of some kind, or another resource. The one table of the
// descriptors' names; that of the other resources is in resource_kind.h.
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

  // Resources that are no descriptors.
  kMapping = 64,  // memory, by mmap
  kHeap = 65,     // blocks of a heap, some of which stand for all
  kThread = 66,
  kChild = 67,   // a child process, until it was waited for
  kPair = 128,   // the first of the pairs of functions that a user names; each is a kind
  kProbe = 192,  // the first of the kinds that programs tell of by USDT
};

// "tcp", "epoll", "mapping", …: what is printed, and what --kind takes.
std::string_view name_of(Kind kind);
// Of a descriptor's kind.
std::optional<Kind> kind_named(std::string_view name);
// Every kind of descriptor, in the order in which counts are printed.
std::span<const Kind> all_kinds();

}  // namespace plumb::detect
