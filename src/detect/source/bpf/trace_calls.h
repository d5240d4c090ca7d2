/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which system calls of x86-64 make or end descriptors, how, and of which kind they are. */
#ifndef PLUMB_TRACE_CALLS_H
#define PLUMB_TRACE_CALLS_H

#include <asm/unistd_64.h>
#include <linux/types.h>
#include <stdbool.h>

#define kCallNumbers 512

enum call_class {
  kCallNone,
  kCallMakes, /* the result is a new descriptor */
  kCallClose,
  kCallPair,    /* two descriptors in an array of int: pipe, socketpair */
  kCallDup,     /* makes one from the descriptor in the first argument */
  kCallDupOver, /* the same, at a given number */
  kCallFcntl,   /* F_DUPFD, F_DUPFD_CLOEXEC */
  kCallReceive, /* recvmsg: SCM_RIGHTS, SCM_PIDFD */
  kCallClone,   /* CLONE_PIDFD */
  kCallClone3,
  kCallCloseRange,
  kCallListen,
  kCallBpf,      /* some commands make descriptors */
  kCallSeccomp,  /* SECCOMP_FILTER_FLAG_NEW_LISTENER */
  kCallSignalfd, /* makes one only where the first argument is -1 */
  kCallMmap,     /* new code */
};

#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif

static const __u8 call_classes[kCallNumbers] = {
    [__NR_open] = kCallMakes,
    [__NR_creat] = kCallMakes,
    [__NR_openat] = kCallMakes,
    [__NR_openat2] = kCallMakes,
    [__NR_open_by_handle_at] = kCallMakes,
    [__NR_socket] = kCallMakes,
    [__NR_accept] = kCallMakes,
    [__NR_accept4] = kCallMakes,
    [__NR_epoll_create] = kCallMakes,
    [__NR_epoll_create1] = kCallMakes,
    [__NR_eventfd] = kCallMakes,
    [__NR_eventfd2] = kCallMakes,
    [__NR_timerfd_create] = kCallMakes,
    [__NR_inotify_init] = kCallMakes,
    [__NR_inotify_init1] = kCallMakes,
    [__NR_fanotify_init] = kCallMakes,
    [__NR_memfd_create] = kCallMakes,
    [__NR_memfd_secret] = kCallMakes,
    [__NR_userfaultfd] = kCallMakes,
    [__NR_perf_event_open] = kCallMakes,
    [__NR_pidfd_open] = kCallMakes,
    [__NR_pidfd_getfd] = kCallMakes,
    [__NR_open_tree] = kCallMakes,
    [__NR_open_tree_attr] = kCallMakes,
    [__NR_fsopen] = kCallMakes,
    [__NR_fsmount] = kCallMakes,
    [__NR_fspick] = kCallMakes,
    [__NR_io_uring_setup] = kCallMakes,
    [__NR_mq_open] = kCallMakes,
    [__NR_landlock_create_ruleset] = kCallMakes,
    [__NR_close] = kCallClose,
    [__NR_pipe] = kCallPair,
    [__NR_pipe2] = kCallPair,
    [__NR_socketpair] = kCallPair,
    [__NR_dup] = kCallDup,
    [__NR_dup2] = kCallDupOver,
    [__NR_dup3] = kCallDupOver,
    [__NR_fcntl] = kCallFcntl,
    [__NR_recvmsg] = kCallReceive,
    [__NR_clone] = kCallClone,
    [__NR_clone3] = kCallClone3,
    [__NR_close_range] = kCallCloseRange,
    [__NR_listen] = kCallListen,
    [__NR_bpf] = kCallBpf,
    [__NR_seccomp] = kCallSeccomp,
    [__NR_signalfd] = kCallSignalfd,
    [__NR_signalfd4] = kCallSignalfd,
    [__NR_mmap] = kCallMmap,
};

#define PLUMB_BIT(n) ((__u64)(call_classes[n] != kCallNone) << ((n)&63))
#define PLUMB_BITS_4(n) \
  (PLUMB_BIT(n) | PLUMB_BIT((n) + 1) | PLUMB_BIT((n) + 2) | PLUMB_BIT((n) + 3))
#define PLUMB_BITS_16(n) \
  (PLUMB_BITS_4(n) | PLUMB_BITS_4((n) + 4) | PLUMB_BITS_4((n) + 8) | PLUMB_BITS_4((n) + 12))
#define PLUMB_BITS_64(n) \
  (PLUMB_BITS_16(n) | PLUMB_BITS_16((n) + 16) | PLUMB_BITS_16((n) + 32) | PLUMB_BITS_16((n) + 48))

/* Whether a call is of any class. The compiler makes constants in the code of it: the calls of
 * programs that are not traced touch no memory for this, whose first touch after the way into the
 * kernel may cost a look into the page tables. */
static __always_inline bool has_class(__u64 number) {
  __u64 bits = 0;
  switch (number >> 6) {
    case 0:
      bits = PLUMB_BITS_64(0);
      break;
    case 1:
      bits = PLUMB_BITS_64(64);
      break;
    case 2:
      bits = PLUMB_BITS_64(128);
      break;
    case 3:
      bits = PLUMB_BITS_64(192);
      break;
    case 4:
      bits = PLUMB_BITS_64(256);
      break;
    case 5:
      bits = PLUMB_BITS_64(320);
      break;
    case 6:
      bits = PLUMB_BITS_64(384);
      break;
    case 7:
      bits = PLUMB_BITS_64(448);
      break;
    default: /* x32's and those to come */
      break;
  }
  return (bits >> (number & 63)) & 1;
}
_Static_assert(kCallNumbers == 512, "the words of has_class");

/* Whether a call reads or writes by the descriptor in its first argument. */
static __always_inline bool uses_descriptor(__u64 number) {
  switch (number) {
    case __NR_read:
    case __NR_write:
    case __NR_pread64:
    case __NR_pwrite64:
    case __NR_readv:
    case __NR_writev:
    case __NR_recvfrom:
    case __NR_sendto:
    case __NR_recvmsg:
    case __NR_sendmsg:
      return true;
    default:
      return false;
  }
}

#endif
