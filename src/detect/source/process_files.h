// SPDX-License-Identifier: Apache-2.0
// What the small text files of /proc/PID say (proc(5)): stat, status, cgroup, limits, syscall and
// the links of ns. Pure: text in, values out; a missing or broken field is unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/record/process.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// Enough for each of these files; status grows with the number of processors.
inline constexpr std::size_t kProcessFileLimit = std::size_t{64} << 10;
// The kernel allows more for a command line; a reader of a table does not.
inline constexpr std::size_t kCommandLineLimit = std::size_t{128} << 10;

// /proc/PID/stat and /proc/PID/task/TID/stat.
struct StatFile {
  Pid pid{};
  std::string_view name;  // may hold any byte but NUL, ") R 1" too: it ends at the last ')'
  RunState state{};
  Pid parent{};
  bool kernel_thread = false;
  Ticks start{};
  std::uint32_t threads = 0;
  std::uint64_t virtual_bytes = 0;
};
std::optional<StatFile> parse_stat(std::string_view text);

// /proc/PID/status.
struct StatusFile {
  std::optional<Uid> uid;      // effective
  std::optional<Pid> own_pid;  // the last of NSpid: its number in its own pid namespace
  std::optional<std::uint64_t> resident_bytes;  // kernel threads have none
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint32_t> threads;
  std::optional<std::uint64_t> sleeps;  // voluntary context switches
};
StatusFile parse_status(std::string_view text);

// /proc/PID/cgroup: the path in the unified hierarchy, or where that says only "/" and systemd
// keeps a hierarchy of version 1, the path there.
std::string_view parse_cgroup(std::string_view text);

// /proc/PID/limits, the line "Max open files". Empty: unlimited.
struct DescriptorLimits {
  std::optional<std::uint64_t> soft;
  std::optional<std::uint64_t> hard;
};
DescriptorLimits parse_limits(std::string_view text);

// /proc/PID/task/TID/syscall: "0 0x3 0x7f… … SP PC". Empty for "running", and for "-1 SP PC", a
// thread that sleeps but not in a system call.
std::optional<BlockingCall> parse_syscall(std::string_view text);

// "net:[4026531833]", as readlink says it.
std::optional<std::uint32_t> parse_namespace_link(std::string_view text);

// "socket:[21239]" and "pipe:[8123]": the number in the brackets.
std::optional<std::uint64_t> parse_bracketed_inode(std::string_view text, std::string_view what);

}  // namespace plumb::detect
