// SPDX-License-Identifier: Apache-2.0
// Names of system calls.
#include "detect/record/call_name.h"

#include <asm/unistd_64.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace plumb::detect {
namespace {

using Row = std::pair<std::uint16_t, std::string_view>;

// open_tree_attr is of Linux 6.15, later than Debian 12's headers.
constexpr std::uint16_t kOpenTreeAttr = 467;

constexpr std::array kCalls = {
    Row{__NR_open, "open"},
    Row{__NR_close, "close"},
    Row{__NR_mmap, "mmap"},
    Row{__NR_pipe, "pipe"},
    Row{__NR_dup, "dup"},
    Row{__NR_dup2, "dup2"},
    Row{__NR_socket, "socket"},
    Row{__NR_accept, "accept"},
    Row{__NR_recvmsg, "recvmsg"},
    Row{__NR_socketpair, "socketpair"},
    Row{__NR_clone, "clone"},
    Row{__NR_fork, "fork"},
    Row{__NR_vfork, "vfork"},
    Row{__NR_fcntl, "fcntl"},
    Row{__NR_creat, "creat"},
    Row{__NR_epoll_create, "epoll_create"},
    Row{__NR_mq_open, "mq_open"},
    Row{__NR_inotify_init, "inotify_init"},
    Row{__NR_openat, "openat"},
    Row{__NR_signalfd, "signalfd"},
    Row{__NR_timerfd_create, "timerfd_create"},
    Row{__NR_eventfd, "eventfd"},
    Row{__NR_accept4, "accept4"},
    Row{__NR_signalfd4, "signalfd4"},
    Row{__NR_eventfd2, "eventfd2"},
    Row{__NR_epoll_create1, "epoll_create1"},
    Row{__NR_dup3, "dup3"},
    Row{__NR_pipe2, "pipe2"},
    Row{__NR_inotify_init1, "inotify_init1"},
    Row{__NR_perf_event_open, "perf_event_open"},
    Row{__NR_recvmmsg, "recvmmsg"},
    Row{__NR_fanotify_init, "fanotify_init"},
    Row{__NR_open_by_handle_at, "open_by_handle_at"},
    Row{__NR_seccomp, "seccomp"},
    Row{__NR_memfd_create, "memfd_create"},
    Row{__NR_bpf, "bpf"},
    Row{__NR_userfaultfd, "userfaultfd"},
    Row{__NR_io_uring_setup, "io_uring_setup"},
    Row{__NR_io_uring_enter, "io_uring_enter"},
    Row{__NR_open_tree, "open_tree"},
    Row{__NR_fsopen, "fsopen"},
    Row{__NR_fsmount, "fsmount"},
    Row{__NR_fspick, "fspick"},
    Row{__NR_pidfd_open, "pidfd_open"},
    Row{__NR_clone3, "clone3"},
    Row{__NR_close_range, "close_range"},
    Row{__NR_openat2, "openat2"},
    Row{__NR_pidfd_getfd, "pidfd_getfd"},
    Row{__NR_landlock_create_ruleset, "landlock_create_ruleset"},
    Row{__NR_memfd_secret, "memfd_secret"},
    Row{kOpenTreeAttr, "open_tree_attr"},
};

constexpr std::array kUses = {
    Row{__NR_read, "read"},         Row{__NR_write, "write"},   Row{__NR_pread64, "pread64"},
    Row{__NR_pwrite64, "pwrite64"}, Row{__NR_readv, "readv"},   Row{__NR_writev, "writev"},
    Row{__NR_recvfrom, "recvfrom"}, Row{__NR_sendto, "sendto"}, Row{__NR_sendmsg, "sendmsg"},
};

std::string_view name_in(std::span<const Row> rows, std::uint16_t number) {
  const auto row = std::ranges::find(rows, number, &Row::first);
  return row == rows.end() ? std::string_view() : row->second;
}

}  // namespace

std::string_view call_name(std::uint16_t number) {
  return name_in(kCalls, number);
}

std::string_view using_call_name(std::uint16_t number) {
  return name_in(kUses, number);
}

bool is_closing_call(std::uint16_t number) {
  return number == __NR_close || number == __NR_close_range;
}

}  // namespace plumb::detect
