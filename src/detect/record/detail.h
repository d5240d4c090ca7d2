// SPDX-License-Identifier: Apache-2.0
// What a kind knows beyond the common fields: what an epoll watches, when a timer expires.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "plumb/base/ids.h"

namespace plumb::detect {

struct EpollWatch {
  Fd fd{};                   // the number at the time of EPOLL_CTL_ADD, in the adder's table
  std::uint32_t events = 0;  // EPOLL*
  std::uint64_t data = 0;
  std::uint64_t inode = 0;  // of the watched file: tells a stale number from a live one
};
struct EpollDetail {
  std::vector<EpollWatch> watches;
};

struct EventfdDetail {
  std::uint64_t count = 0;
  std::optional<std::uint64_t> id;  // shared by all descriptors of one eventfd (Linux 5.2)
};

struct TimerfdDetail {
  std::int32_t clock = 0;                // CLOCK_*
  std::uint64_t expirations = 0;         // since the last read
  std::chrono::nanoseconds remaining{};  // until the next expiry; 0: disarmed
  std::chrono::nanoseconds interval{};   // 0: one shot
};

struct SignalfdDetail {
  std::uint64_t mask = 0;  // bit n-1 is signal n
};

struct InotifyWatch {
  std::int32_t watch = 0;
  std::uint64_t inode = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t mask = 0;  // IN_*
};
struct InotifyDetail {
  std::vector<InotifyWatch> watches;
};

struct FanotifyDetail {
  std::uint32_t flags = 0;
  std::uint32_t event_flags = 0;
  std::uint32_t marks = 0;
};

struct PidfdDetail {
  std::optional<Pid> pid;  // empty: the process is gone and waited for
};

struct BpfDetail {
  std::uint32_t id = 0;    // program, map or link id
  std::int32_t type = -1;  // BPF_PROG_TYPE_*, BPF_MAP_TYPE_*, or -1 for a link
};

struct IoUringDetail {
  std::uint32_t submissions_pending = 0;
  std::uint32_t completions_pending = 0;
  std::uint32_t registered_files = 0;
  std::uint32_t registered_buffers = 0;
};

struct PtyDetail {
  std::uint32_t index = 0;  // N of /dev/pts/N
  bool master = false;
};

struct DmabufDetail {
  std::uint64_t bytes = 0;
};

using Detail =
    std::variant<EpollDetail, EventfdDetail, TimerfdDetail, SignalfdDetail, InotifyDetail,
                 FanotifyDetail, PidfdDetail, BpfDetail, IoUringDetail, PtyDetail, DmabufDetail>;

}  // namespace plumb::detect
