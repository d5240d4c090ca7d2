// SPDX-License-Identifier: Apache-2.0
// The names of the kinds.
#include "detect/record/kind.h"

#include <algorithm>
#include <array>
#include <utility>

#include "detect/record/resource_kind.h"

namespace plumb::detect {
namespace {

using Row = std::pair<Kind, std::string_view>;

// In the order of the enumeration, which the unit test holds it to.
constexpr std::array kNames = {
    Row{Kind::kUnknown, "unknown"},
    Row{Kind::kUnreadable, "unreadable"},
    Row{Kind::kFile, "file"},
    Row{Kind::kDirectory, "directory"},
    Row{Kind::kSymlink, "symlink"},
    Row{Kind::kCharacterDevice, "char"},
    Row{Kind::kBlockDevice, "block"},
    Row{Kind::kFifo, "fifo"},
    Row{Kind::kPipe, "pipe"},
    Row{Kind::kPty, "pty"},
    Row{Kind::kUnix, "unix"},
    Row{Kind::kTcp, "tcp"},
    Row{Kind::kUdp, "udp"},
    Row{Kind::kRaw, "raw"},
    Row{Kind::kNetlink, "netlink"},
    Row{Kind::kPacket, "packet"},
    Row{Kind::kVsock, "vsock"},
    Row{Kind::kSocket, "socket"},
    Row{Kind::kEventfd, "eventfd"},
    Row{Kind::kEpoll, "epoll"},
    Row{Kind::kTimerfd, "timerfd"},
    Row{Kind::kSignalfd, "signalfd"},
    Row{Kind::kInotify, "inotify"},
    Row{Kind::kFanotify, "fanotify"},
    Row{Kind::kMemfd, "memfd"},
    Row{Kind::kPidfd, "pidfd"},
    Row{Kind::kIoUring, "io_uring"},
    Row{Kind::kBpf, "bpf"},
    Row{Kind::kPerfEvent, "perf_event"},
    Row{Kind::kUserfaultfd, "userfaultfd"},
    Row{Kind::kMqueue, "mqueue"},
    Row{Kind::kDmabuf, "dmabuf"},
    Row{Kind::kNamespace, "namespace"},
    Row{Kind::kSeccomp, "seccomp"},
    Row{Kind::kLandlock, "landlock"},
    Row{Kind::kMountContext, "mount"},
};

constexpr auto kAll = [] {
  std::array<Kind, kNames.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = kNames[i].first;
  return all;
}();

}  // namespace

std::string_view name_of(Kind kind) {
  const auto index = static_cast<std::size_t>(kind);
  if (index < kNames.size()) return kNames[index].second;
  const ResourceKind* resource = resource_kind(kind);
  return resource == nullptr ? name_of(Kind::kUnknown) : resource->name;
}

std::optional<Kind> kind_named(std::string_view name) {
  const auto row = std::ranges::find(kNames, name, &Row::second);
  if (row == kNames.end()) return std::nullopt;
  return row->first;
}

std::span<const Kind> all_kinds() {
  return kAll;
}

}  // namespace plumb::detect
