// SPDX-License-Identifier: Apache-2.0
// Joining descriptors with the descriptors that hold their other ends.
#include "detect/model/ends.h"

#include <fcntl.h>

#include <algorithm>
#include <future>
#include <string_view>
#include <tuple>
#include <variant>

#include "detect/model/beside.h"
#include "detect/model/flat_index.h"
#include "detect/model/socket_ends.h"

namespace plumb::detect {
namespace {

// The groups of a pipe, side by side: whoever reads is in the first two, whoever writes in the
// last two.
enum Channel : std::uint32_t { kReads, kBoth, kWrites, kChannels };

Channel channel_of(const Descriptor& d) {
  const std::uint32_t mode = d.flags & O_ACCMODE;
  return mode == O_RDONLY ? kReads : mode == O_WRONLY ? kWrites : kBoth;
}

const PtyDetail* pty_of(const Survey& survey, const Descriptor& d) {
  const Detail* detail = d.kind == Kind::kPty ? survey.detail_of(d) : nullptr;
  return detail == nullptr ? nullptr : std::get_if<PtyDetail>(detail);
}

// Each mount of devpts counts its own indices, and a slave's inode stands in its mount. A master
// opened as /dev/pts/ptmx does too; one opened as the node /dev/ptmx stands in devtmpfs, and
// belongs to the first mount, which has the lowest number.
class PtyMounts {
 public:
  explicit PtyMounts(const Survey& survey) {
    for (const Descriptor& d : survey.descriptors) {
      const PtyDetail* pty = pty_of(survey, d);
      if (pty != nullptr && !pty->master) mounts_.push_back(device(d));
    }
    std::ranges::sort(mounts_);
  }
  std::uint64_t of(const Descriptor& d) const {
    if (std::ranges::binary_search(mounts_, device(d))) return device(d);
    return mounts_.empty() ? 0 : mounts_.front();
  }

 private:
  static std::uint64_t device(const Descriptor& d) {
    return std::uint64_t{d.device_major} << 32 | d.device_minor;
  }
  std::vector<std::uint64_t> mounts_;
};

}  // namespace

// Fills an Ends; lives for the length of its constructor.
class EndsBuilder {
 public:
  EndsBuilder(const Survey& survey, Ends& ends) : survey_(survey), ends_(ends) {}

  void build() {
    ends_.ends_.resize(survey_.descriptors.size());
    auto channels =
        std::async(launch_for(survey_.descriptors.size()), [this] { group_channels(); });
    group_sockets();
    channels.get();
    const bool all_seen =
        std::ranges::none_of(survey_.processes, [](const Process& p) { return p.error != 0; });
    nobody_ = all_seen ? EndState::kNobody : EndState::kUnseen;
    for (std::uint32_t d = 0; d < survey_.descriptors.size(); ++d) ends_.ends_[d] = end_of(d);
  }

 private:
  void group_sockets() {
    std::vector<std::uint32_t> group_of(survey_.descriptors.size(), Groups::kNone);
    std::vector<bool> held(survey_.sockets.size());
    for (std::uint32_t d = 0; d < group_of.size(); ++d) {
      if (const auto socket = survey_.descriptors[d].socket) {
        group_of[d] = number(*socket);
        held[number(*socket)] = true;
      }
    }
    ends_.by_socket_ = Groups(group_of, survey_.sockets.size());
    socket_ends_ = socket_ends(survey_, held);
  }

  void group_channels() {
    const std::vector<Descriptor>& rows = survey_.descriptors;
    const auto is_channel = [](const Descriptor& d) {
      return d.kind == Kind::kPipe || d.kind == Kind::kFifo || d.kind == Kind::kPty;
    };
    FlatIndex index(static_cast<std::size_t>(std::ranges::count_if(rows, is_channel)));
    const PtyMounts mounts(survey_);
    channel_of_.assign(rows.size(), Groups::kNone);
    std::uint32_t channels = 0;
    for (std::uint32_t d = 0; d < rows.size(); ++d) {
      if (!is_channel(rows[d])) continue;
      const Key key = key_of(rows[d], mounts);
      if (!key.known) continue;
      const std::uint32_t first =
          index.find_or_insert(mix(key.device, key.number), d,
                               [&](std::uint32_t o) { return key_of(rows[o], mounts) == key; });
      const std::uint32_t base = first == d ? kChannels * channels++ : base_of(channel_of_[first]);
      channel_of_[d] = base + side_of(rows[d]);
    }
    ends_.by_channel_ = Groups(channel_of_, std::size_t{kChannels} * channels);
  }

  struct Key {
    bool known = true;
    bool pty = false;
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    bool operator==(const Key&) const = default;
  };
  Key key_of(const Descriptor& d, const PtyMounts& mounts) const {
    if (d.kind != Kind::kPty) {
      return {true, false, std::uint64_t{d.device_major} << 32 | d.device_minor, d.inode};
    }
    const PtyDetail* pty = pty_of(survey_, d);
    if (pty == nullptr) return {false, true, 0, 0};
    return {true, true, mounts.of(d), pty->index};
  }

  static std::uint32_t base_of(std::uint32_t group) { return group - group % kChannels; }
  // A pty's master counts as the reader: only that the sides differ matters.
  Channel side_of(const Descriptor& d) const {
    if (const PtyDetail* pty = pty_of(survey_, d)) return pty->master ? kReads : kWrites;
    return channel_of(d);
  }

  Ends::Holders end_of(std::uint32_t d) const {
    const Descriptor& row = survey_.descriptors[d];
    if (row.socket) return socket_end(socket_ends_[number(*row.socket)]);
    if (channel_of_[d] != Groups::kNone) return channel_end(channel_of_[d]);
    return {};
  }

  Ends::Holders socket_end(const SocketEnd& end) const {
    switch (end.state) {
      case SocketEnd::State::kNone:
        return {};
      case SocketEnd::State::kOutside:
        return {EndState::kOutside};
      case SocketEnd::State::kGone:
        return {nobody_};
      case SocketEnd::State::kQueued:
        return {EndState::kAcceptQueue, true, number(end.other), number(end.other) + 1};
      case SocketEnd::State::kSocket:
        break;
    }
    const bool held = !ends_.by_socket_[number(end.other)].empty();
    if (!held) return {nobody_};
    return {EndState::kHeld, true, number(end.other), number(end.other) + 1};
  }

  Ends::Holders channel_end(std::uint32_t group) const {
    const std::uint32_t base = base_of(group);
    const std::uint32_t side = group - base;
    const std::uint32_t first = base + (side == kReads ? 1 : 0);
    const std::uint32_t last = base + (side == kWrites ? 2 : 3);
    if (ends_.by_channel_.between(first, last).empty()) return {nobody_};
    return {EndState::kHeld, false, first, last};
  }

  const Survey& survey_;
  Ends& ends_;
  std::vector<SocketEnd> socket_ends_;
  std::vector<std::uint32_t> channel_of_;  // the group of each descriptor
  EndState nobody_ = EndState::kNobody;
};

Ends::Ends(const Survey& survey) {
  EndsBuilder(survey, *this).build();
}

End Ends::of(DescriptorIndex descriptor) const {
  const Holders& end = ends_[number(descriptor)];
  if (end.first == end.last) return {end.state, {}};
  return {end.state, (end.socket ? by_socket_ : by_channel_).between(end.first, end.last)};
}

std::string_view name_of(EndState state) {
  switch (state) {
    case EndState::kNone:
      return "none";
    case EndState::kHeld:
      return "held";
    case EndState::kAcceptQueue:
      return "accept-queue";
    case EndState::kNobody:
      return "nobody";
    case EndState::kUnseen:
      return "unseen";
    case EndState::kOutside:
      return "outside";
  }
  return "none";
}

}  // namespace plumb::detect
