// SPDX-License-Identifier: Apache-2.0
// A process and its threads as a survey saw them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "detect/record/text_pool.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// Who a process is. The number alone is reused; with the start time it is not, because the kernel
// does not hand out one number twice within a tick.
struct ProcessKey {
  Pid pid{};
  Ticks start{};  // since boot, in the unit of /proc/PID/stat field 22
  friend auto operator<=>(const ProcessKey&, const ProcessKey&) = default;
};

// The letters of /proc/PID/stat: R, S, D, T, t, Z, X, I.
enum class RunState : char {};

// The system call in which a thread is asleep. Unknown (an empty optional) for a thread that runs
// and for one whose registers may not be read.
struct BlockingCall {
  std::int32_t number = -1;             // __NR_* of the kernel's native table (x86-64 here)
  std::array<std::uint64_t, 6> args{};  // as passed: addresses belong to the process
};

struct Thread {
  Tid tid{};
  RunState state{};
  TextRef name;  // comm, at most 15 bytes, any bytes
  std::optional<BlockingCall> waits_in;
};

// Inode numbers in nsfs, as in the links of /proc/PID/ns; 0 means unknown.
struct Namespaces {
  std::uint32_t pid = 0;
  std::uint32_t mnt = 0;
  std::uint32_t net = 0;
  std::uint32_t user = 0;
  friend bool operator==(const Namespaces&, const Namespaces&) = default;
};

struct Process {
  ProcessKey key;
  Pid parent{};  // 0: none in this pid namespace
  // The number that the process knows itself by; differs from key.pid in another pid namespace.
  std::optional<Pid> own_pid;
  Uid uid{};  // effective
  RunState state{};
  std::optional<Pid> tracer;  // who debugs it; read with Survey::waits only
  TextRef name;               // comm
  TextRef command_line;       // arguments separated by NUL, as in /proc/PID/cmdline; empty: kernel
                              // thread, zombie, or not asked for
  TextRef cgroup;             // path in the unified hierarchy: "/system.slice/nginx.service"
  Namespaces namespaces;

  std::optional<std::uint64_t> descriptor_limit;  // soft RLIMIT_NOFILE
  std::optional<std::uint64_t> descriptor_hard_limit;
  std::optional<std::uint32_t> descriptors;  // open now, also where they could not be listed
  std::optional<std::uint32_t> thread_count;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  // How often its leader has gone to sleep of its own accord, since it began.
  std::optional<std::uint64_t> sleeps;
  std::optional<std::uint32_t> mappings;  // of memory; only BPF counts them in passing

  std::uint32_t first_thread = 0;  // its threads: Survey::threads[first_thread, + listed_threads)
  std::uint32_t listed_threads = 0;

  // errno of what could not be read of it, 0 where all could: its descriptors are missing then.
  int error = 0;
};

}  // namespace plumb::detect
