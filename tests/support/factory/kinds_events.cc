// SPDX-License-Identifier: Apache-2.0
// Descriptors that stand for events to come.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "kinds.h"

namespace plumb::factory {
namespace {

void open_epoll(Roster& roster) {
  const int event = roster.keep_or_refuse(::eventfd(3, EFD_CLOEXEC), "eventfd", "watched");
  const int epoll = roster.keep_or_refuse(::epoll_create1(EPOLL_CLOEXEC), "epoll", "");
  epoll_event interest{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0x706c756d62}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest) != 0)
    roster.refuse("epoll", "add", errno);
}

void open_timer(Roster& roster) {
  const int timer = roster.keep_or_refuse(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC), "timerfd",
                                          "an hour, then daily");
  const itimerspec when{.it_interval = {.tv_sec = 86400, .tv_nsec = 0},
                        .it_value = {.tv_sec = 3600, .tv_nsec = 0}};
  if (timer >= 0 && ::timerfd_settime(timer, 0, &when, nullptr) != 0) {
    roster.refuse("timerfd", "set", errno);
  }
}

void open_signals(Roster& roster) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR1);
  roster.keep_or_refuse(::signalfd(-1, &signals, SFD_CLOEXEC), "signalfd", "SIGUSR1");
}

void open_watchers(Roster& roster, const std::string& directory) {
  const int inotify = roster.keep_or_refuse(::inotify_init1(IN_CLOEXEC), "inotify", "");
  if (inotify >= 0 && ::inotify_add_watch(inotify, directory.c_str(), IN_CREATE) < 0) {
    roster.refuse("inotify", "add", errno);
  }
  const int fanotify = roster.keep_or_refuse(
      ::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY), "fanotify", "");
  if (fanotify >= 0 &&
      ::fanotify_mark(fanotify, FAN_MARK_ADD, FAN_CLOSE_WRITE, AT_FDCWD, directory.c_str()) != 0) {
    roster.refuse("fanotify", "mark", errno);
  }
}

void open_ring(Roster& roster) {
  io_uring_params parameters{};
  const int ring = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &parameters));
  if (roster.keep_or_refuse(ring, "io_uring", "") >= 0) ::fcntl(ring, F_SETFD, FD_CLOEXEC);
}

void open_userfaultfd(Roster& roster) {
  constexpr int kUserModeOnly = 1;  // UFFD_USER_MODE_ONLY, needs no privilege
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | kUserModeOnly)),
                        "userfaultfd", "");
}

}  // namespace

void open_events(Roster& roster, const std::string& directory) {
  open_epoll(roster);
  open_timer(roster);
  open_signals(roster);
  open_watchers(roster, directory);
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0)), "pidfd",
                        "parent");
  open_ring(roster);
  open_userfaultfd(roster);
}

}  // namespace plumb::factory
