// SPDX-License-Identifier: Apache-2.0
// What /proc/PID/fdinfo/N says (proc_pid_fdinfo(5)): the lines that every descriptor has, and one
// small parser per kind for what that kind adds. Pure: text in, values out. Lines that are not
// known are skipped, because kernels add some; a line that is broken makes that line unknown, never
// the parser fail.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/record/detail.h"
#include "detect/record/kind.h"

namespace plumb::detect {

// More than this of an fdinfo is not read: an epoll line is 80 bytes, so 16 MiB hold 200,000
// watches.
inline constexpr std::size_t kFdinfoLimit = std::size_t{16} << 20;

struct FdinfoCommon {
  std::uint64_t position = 0;
  std::uint32_t flags = 0;             // O_*, with O_CLOEXEC where this descriptor has it
  std::optional<std::uint32_t> mount;  // mnt_id, in mountinfo
  std::optional<std::uint64_t> inode;  // Linux 5.14
  std::uint32_t locks = 0;             // "lock:" lines: flock, POSIX and lease locks held
};

FdinfoCommon parse_fdinfo(std::string_view text);

// What the kind adds; empty for kinds that add nothing and where the lines are not there. A pty's
// slave has nothing in fdinfo: its number is its device's (classify.h, pty_of).
std::optional<Detail> decode_fdinfo(Kind kind, std::string_view text);
// Whether decode_fdinfo can find anything for this kind, so that nobody reads in vain.
bool has_fdinfo_detail(Kind kind);

// One a kind, each in its own file.
std::optional<Detail> decode_epoll(std::string_view text);
std::optional<Detail> decode_eventfd(std::string_view text);
std::optional<Detail> decode_timerfd(std::string_view text);
std::optional<Detail> decode_signalfd(std::string_view text);
std::optional<Detail> decode_inotify(std::string_view text);
std::optional<Detail> decode_fanotify(std::string_view text);
std::optional<Detail> decode_pidfd(std::string_view text);
std::optional<Detail> decode_bpf(std::string_view text);
std::optional<Detail> decode_io_uring(std::string_view text);
std::optional<Detail> decode_pty(std::string_view text);
std::optional<Detail> decode_dmabuf(std::string_view text);

}  // namespace plumb::detect
