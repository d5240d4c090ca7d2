// SPDX-License-Identifier: Apache-2.0
// The table of system calls in which threads sleep.
#include "detect/model/wait.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace plumb::detect {
namespace {

struct Call {
  std::int32_t number;
  std::string_view name;
  std::int8_t fd_argument = -1;  // which argument is a descriptor
  bool many = false;
};

// By number, which the search relies on and the unit test checks.
constexpr std::array kCalls = {
    Call{0, "read", 0},
    Call{1, "write", 0},
    Call{2, "open"},
    Call{3, "close", 0},
    Call{7, "poll", -1, true},
    Call{16, "ioctl", 0},
    Call{17, "pread64", 0},
    Call{18, "pwrite64", 0},
    Call{19, "readv", 0},
    Call{20, "writev", 0},
    Call{23, "select", -1, true},
    Call{34, "pause"},
    Call{35, "nanosleep"},
    Call{40, "sendfile", 0},
    Call{42, "connect", 0},
    Call{43, "accept", 0},
    Call{44, "sendto", 0},
    Call{45, "recvfrom", 0},
    Call{46, "sendmsg", 0},
    Call{47, "recvmsg", 0},
    Call{48, "shutdown", 0},
    Call{56, "clone"},
    Call{58, "vfork"},
    Call{61, "wait4"},
    Call{65, "semop"},
    Call{69, "msgsnd"},
    Call{70, "msgrcv"},
    Call{72, "fcntl", 0},
    Call{73, "flock", 0},
    Call{74, "fsync", 0},
    Call{75, "fdatasync", 0},
    Call{101, "ptrace"},
    Call{128, "rt_sigtimedwait"},
    Call{130, "rt_sigsuspend"},
    Call{162, "sync"},
    Call{202, "futex"},
    Call{208, "io_getevents"},
    Call{219, "restart_syscall"},
    Call{220, "semtimedop"},
    Call{230, "clock_nanosleep"},
    Call{232, "epoll_wait", 0, true},
    Call{242, "mq_timedsend", 0},
    Call{243, "mq_timedreceive", 0},
    Call{247, "waitid"},
    Call{257, "openat"},
    Call{270, "pselect6", -1, true},
    Call{271, "ppoll", -1, true},
    Call{275, "splice", 0},
    Call{276, "tee", 0},
    Call{278, "vmsplice", 0},
    Call{281, "epoll_pwait", 0, true},
    Call{288, "accept4", 0},
    Call{295, "preadv", 0},
    Call{296, "pwritev", 0},
    Call{299, "recvmmsg", 0},
    Call{307, "sendmmsg", 0},
    Call{318, "getrandom"},
    Call{326, "copy_file_range", 0},
    Call{327, "preadv2", 0},
    Call{328, "pwritev2", 0},
    Call{333, "io_pgetevents"},
    Call{426, "io_uring_enter", 0},
    Call{441, "epoll_pwait2", 0, true},
    Call{449, "futex_waitv"},
    Call{455, "futex_wait"},
};
static_assert(std::ranges::is_sorted(kCalls, {}, &Call::number));

constexpr std::int32_t kWaitid = 247;
constexpr std::uint64_t kPidfd = 3;  // P_PIDFD of waitid(2), Linux 5.4

std::optional<Fd> descriptor(std::uint64_t argument) {
  const auto value = static_cast<std::int32_t>(static_cast<std::uint32_t>(argument));
  if (value < 0) return std::nullopt;
  return Fd{value};
}

}  // namespace

Wait wait_of(const BlockingCall& blocking) {
  const auto call = std::ranges::lower_bound(kCalls, blocking.number, {}, &Call::number);
  if (call == kCalls.end() || call->number != blocking.number) return {};
  Wait wait{call->name, std::nullopt, call->many};
  if (call->fd_argument >= 0) {
    wait.fd = descriptor(blocking.args[static_cast<std::size_t>(call->fd_argument)]);
  } else if (call->number == kWaitid && blocking.args[0] == kPidfd) {
    wait.fd = descriptor(blocking.args[1]);
  }
  return wait;
}

}  // namespace plumb::detect
