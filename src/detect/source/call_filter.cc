// SPDX-License-Identifier: Apache-2.0
// The table of calls that make something, and the filter of it.
#include "detect/source/call_filter.h"

#include <asm/unistd_64.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace plumb::detect {
namespace {

struct Row {
  std::uint16_t call;
  MadeBy made;
  NameArguments name{};
};

constexpr NameArguments path_at(int path) {
  return {.path = path};
}
constexpr NameArguments path_in(int directory) {
  return {.directory = directory, .path = directory + 1};
}

// close and its like are not in it: what is open at the end is read from /proc.
constexpr std::array kCalls = {
    Row{__NR_open, MadeBy::kResult, path_at(0)},
    Row{__NR_openat, MadeBy::kResult, path_in(0)},
    Row{__NR_openat2, MadeBy::kResult, path_in(0)},
    Row{__NR_creat, MadeBy::kResult, path_at(0)},
    Row{__NR_mkdir, MadeBy::kNothing, path_at(0)},
    Row{__NR_mkdirat, MadeBy::kNothing, path_in(0)},
    Row{__NR_mknod, MadeBy::kNothing, path_at(0)},
    Row{__NR_mknodat, MadeBy::kNothing, path_in(0)},
    Row{__NR_symlink, MadeBy::kNothing, path_at(1)},
    Row{__NR_symlinkat, MadeBy::kNothing, path_in(1)},
    Row{__NR_link, MadeBy::kNothing, path_at(1)},
    Row{__NR_linkat, MadeBy::kNothing, path_in(2)},
    Row{__NR_rename, MadeBy::kNothing, path_at(1)},
    Row{__NR_renameat, MadeBy::kNothing, path_in(2)},
    Row{__NR_renameat2, MadeBy::kNothing, path_in(2)},
    Row{__NR_bind, MadeBy::kNothing, {.path = 1, .address = true}},
    Row{__NR_socket, MadeBy::kResult},
    Row{__NR_socketpair, MadeBy::kPair},
    Row{__NR_accept, MadeBy::kResult},
    Row{__NR_accept4, MadeBy::kResult},
    Row{__NR_recvmsg, MadeBy::kMessage},
    Row{__NR_pipe, MadeBy::kPair},
    Row{__NR_pipe2, MadeBy::kPair},
    Row{__NR_dup, MadeBy::kDup},
    Row{__NR_dup2, MadeBy::kDup},
    Row{__NR_dup3, MadeBy::kDup},
    Row{__NR_fcntl, MadeBy::kDup},
    Row{__NR_epoll_create, MadeBy::kResult},
    Row{__NR_epoll_create1, MadeBy::kResult},
    Row{__NR_eventfd, MadeBy::kResult},
    Row{__NR_eventfd2, MadeBy::kResult},
    Row{__NR_timerfd_create, MadeBy::kResult},
    Row{__NR_signalfd, MadeBy::kResult},
    Row{__NR_signalfd4, MadeBy::kResult},
    Row{__NR_inotify_init, MadeBy::kResult},
    Row{__NR_inotify_init1, MadeBy::kResult},
    Row{__NR_fanotify_init, MadeBy::kResult},
    Row{__NR_memfd_create, MadeBy::kResult},
    Row{__NR_memfd_secret, MadeBy::kResult},
    Row{__NR_userfaultfd, MadeBy::kResult},
    Row{__NR_perf_event_open, MadeBy::kResult},
    Row{__NR_pidfd_open, MadeBy::kResult},
    Row{__NR_pidfd_getfd, MadeBy::kResult},
    Row{__NR_open_by_handle_at, MadeBy::kResult},
    Row{__NR_open_tree, MadeBy::kResult},
    Row{__NR_fsopen, MadeBy::kResult},
    Row{__NR_fsmount, MadeBy::kResult},
    Row{__NR_fspick, MadeBy::kResult},
    Row{__NR_io_uring_setup, MadeBy::kResult},
    Row{__NR_mq_open, MadeBy::kResult},
    Row{__NR_landlock_create_ruleset, MadeBy::kResult},
};

const Row* row_of(std::uint16_t call) {
  const auto* row = std::ranges::find(kCalls, call, &Row::call);
  return row == kCalls.end() ? nullptr : row;
}

constexpr auto kAllow = SECCOMP_RET_ALLOW;
constexpr auto kTrace = SECCOMP_RET_TRACE;

sock_filter statement(int code, std::uint32_t value) {
  return BPF_STMT(static_cast<std::uint16_t>(code), value);
}

sock_filter jump(int code, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
  return BPF_JUMP(static_cast<std::uint16_t>(code), value, if_true, if_false);
}

// The low word of an argument, little-endian as x86-64 is.
std::uint32_t low_word_of(int argument) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) +
         static_cast<std::uint32_t>(argument) * 8;
}

// What must hold of an argument for the call to make something: a bit of it, or one of two values.
struct Condition {
  int argument;
  bool bit;  // `one` is a bit
  std::uint32_t one;
  std::uint32_t other;
};

std::optional<Condition> condition_of(std::uint16_t call, ChosenCalls calls) {
  const bool files = calls == ChosenCalls::kFiles;
  switch (call) {
    case __NR_open:
      return files ? std::optional(Condition{1, true, O_CREAT, 0}) : std::nullopt;
    case __NR_openat:
      return files ? std::optional(Condition{2, true, O_CREAT, 0}) : std::nullopt;
    case __NR_fcntl:
      return Condition{1, false, F_DUPFD, F_DUPFD_CLOEXEC};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<sock_filter> call_filter(ChosenCalls calls) {
  std::vector<sock_filter> filter = {
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      statement(BPF_RET | BPF_K, kAllow),
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const Row& row : kCalls) {
    if (calls == ChosenCalls::kFiles && row.name.path < 0) continue;
    const auto condition = condition_of(row.call, calls);
    if (!condition) {
      filter.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, row.call, 0, 1));
      filter.push_back(statement(BPF_RET | BPF_K, kTrace));
      continue;
    }
    filter.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, row.call, 0, 5));
    filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, low_word_of(condition->argument)));
    const int test = condition->bit ? BPF_JSET : BPF_JEQ;
    filter.push_back(jump(BPF_JMP | test | BPF_K, condition->one, 1, 0));
    filter.push_back(jump(BPF_JMP | test | BPF_K, condition->other, 0, 1));
    filter.push_back(statement(BPF_RET | BPF_K, kTrace));
    filter.push_back(statement(BPF_RET | BPF_K, kAllow));
  }
  filter.push_back(statement(BPF_RET | BPF_K, kAllow));
  return filter;
}

MadeBy made_by(std::uint16_t call) {
  const Row* row = row_of(call);
  return row == nullptr ? MadeBy::kNothing : row->made;
}

NameArguments made_name(std::uint16_t call) {
  const Row* row = row_of(call);
  return row == nullptr ? NameArguments{} : row->name;
}

}  // namespace plumb::detect
