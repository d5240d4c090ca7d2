/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where the bytes of a system call are, by its number and its arguments. */
#pragma once

#include <asm/unistd_64.h>

#include "detect/source/bpf/capture_pass.h"

#define kCallNumbers 512
#define kPeek 2 /* MSG_PEEK */
#define kMessages 8

enum call_class {
  kCallNone,
  kCallBuffer,   /* fd, buffer, size */
  kCallVectors,  /* fd, vectors, count */
  kCallMessage,  /* fd, struct msghdr */
  kCallMessages, /* fd, struct mmsghdr, count */
  kCallCopy,     /* sendfile, splice: the bytes are never in the process */
  kCallAccept,
  kCallConnect,
  kCallPair,
  kCallShutdown,
  kCallClose,
  kCallSends = 0x80,
};

static const volatile __u8 call_classes[kCallNumbers] = {
    [__NR_read] = kCallBuffer,
    [__NR_recvfrom] = kCallBuffer,
    [__NR_readv] = kCallVectors,
    [__NR_preadv2] = kCallVectors,
    [__NR_recvmsg] = kCallMessage,
    [__NR_recvmmsg] = kCallMessages,
    [__NR_write] = kCallBuffer | kCallSends,
    [__NR_sendto] = kCallBuffer | kCallSends,
    [__NR_writev] = kCallVectors | kCallSends,
    [__NR_pwritev2] = kCallVectors | kCallSends,
    [__NR_sendmsg] = kCallMessage | kCallSends,
    [__NR_sendmmsg] = kCallMessages | kCallSends,
    [__NR_sendfile] = kCallCopy | kCallSends,
    [__NR_splice] = kCallCopy | kCallSends,
    [__NR_accept] = kCallAccept,
    [__NR_accept4] = kCallAccept,
    [__NR_connect] = kCallConnect,
    [__NR_socketpair] = kCallPair,
    [__NR_shutdown] = kCallShutdown,
    [__NR_close] = kCallClose,
};

static __always_inline __u32 class_of(long call) {
  return call < 0 || call >= kCallNumbers ? kCallNone : call_classes[call];
}

static __always_inline bool is_native(struct task_struct* task) {
  return !(task->thread_info.status & kThreadCompat);
}

static __always_inline struct place place_of_message(__u64 message) {
  struct {
    __u64 name, name_length, vectors, count;
  } header = {};
  bpf_probe_read_user(&header, sizeof(header), (const void*)message);
  return (struct place){.vectors = header.vectors, .count = header.count};
}
