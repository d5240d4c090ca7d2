/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the capturing programs share: whom they follow, what they remember of sockets. */
#pragma once

/* libbpf's headers need the types that come before them. */
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/capture_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
// clang-format on
#include "detect/source/bpf/capture_abi.h"

#define kVectors 32 /* of one call; the bytes behind them are not looked at */

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 32 << 20);
} events SEC(".maps");

/* Starts and children of the followed, apart from what they say: somebody waits for these. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 << 10);
} news SEC(".maps");

/* Since when all its TLS is looked into; 0: since it began, as far as that can be. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPTURE_TARGETS);
  __type(key, __s32); /* thread group */
  __type(value, __u64);
} targets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPTURE_SOCKETS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64); /* inode number */
  __type(value, struct capture_socket);
} sockets SEC(".maps");

struct piece {
  struct capture_event event;
  __u8 data[2 * CAPTURE_FRONT]; /* twice: the verifier adds the bounds of offset and length */
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct piece);
} pieces SEC(".maps");

/* In cache lines of its own: what every processor reads would come and go with what each writes. */
__u64 losses[8] __attribute__((aligned(64)));
_Static_assert(CAPTURE_LOSSES <= 8, "a cache line of counts");

static __always_inline void count_loss(enum capture_loss which) {
  __sync_fetch_and_add(&losses[which], 1);
}

/* The file at a number of the current task's table; 0 where there is none. */
static __always_inline struct file* file_at(struct task_struct* task, __s32 fd) {
  if (fd < 0) return 0;
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if ((__u32)fd >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file** slots = BPF_CORE_READ(table, fd);
  struct file* file = 0;
  bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
  return file;
}

/* The stream socket behind a file; 0 where it is none. */
static __always_inline struct sock* stream_of(struct file* file) {
  if (!file) return 0;
  if ((BPF_CORE_READ(file, f_inode, i_mode) & kModeType) != kModeSocket) return 0;
  struct socket* socket = BPF_CORE_READ(file, private_data);
  struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk || BPF_CORE_READ(sk, sk_type) != kStream) return 0;
  const __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  return family == kFamilyInet || family == kFamilyInet6 || family == kFamilyUnix ? sk : 0;
}

static __always_inline bool is_last_reference(struct file* file) {
  const struct file___before_6_13* old = (const void*)file;
  if (bpf_core_field_exists(old->f_count)) return BPF_CORE_READ(old, f_count.counter) <= 1;
  return BPF_CORE_READ(file, f_ref.refcnt.counter) <= 0;
}

static __always_inline struct capture_socket* remember(__u64 inode, __u32 bits) {
  struct capture_socket* known = bpf_map_lookup_elem(&sockets, &inode);
  if (known) return known;
  const struct capture_socket fresh = {.bits = bits, .met = bpf_ktime_get_boot_ns()};
  if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_SOCKETS);
    return 0;
  }
  return bpf_map_lookup_elem(&sockets, &inode);
}

static __always_inline void fill_socket(struct capture_event* event, struct sock* sk) {
  event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
  event->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
  event->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
  if (event->family == kFamilyInet) {
    const __u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
    const __u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
    __builtin_memcpy(event->local, &local, 4);
    __builtin_memcpy(event->remote, &remote, 4);
  } else if (event->family == kFamilyInet6) {
    bpf_core_read(event->local, sizeof(event->local), &sk->__sk_common.skc_v6_rcv_saddr);
    bpf_core_read(event->remote, sizeof(event->remote), &sk->__sk_common.skc_v6_daddr);
  } else {
    event->local_port = event->remote_port = 0;
  }
}

/* What is only needed of a piece that is told of. */
static __always_inline void fill_event(struct capture_event* event, struct sock* sk) {
  bpf_get_current_comm(event->comm, sizeof(event->comm));
  if (sk) fill_socket(event, sk);
}

static __always_inline bool is_target(const struct task_struct* task) {
  const __s32 group = task->tgid;
  return bpf_map_lookup_elem(&targets, &group) != 0;
}

/* Counts up with each change of `targets`. */
__u32 targets_change __attribute__((aligned(64))) = 0;

/* The last answers of is_target() on each processor, by thread group: a load and its server come by
 * in turns, thousands of times between two changes. */
#define kAnswers 8
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kAnswers);
  __type(key, __u32);
  __type(value, __u64); /* thread group, targets_change below it, the answer in the lowest bit */
} answers SEC(".maps");

/* As is_target(), for the hooks of each message. In one word, so that another thread that comes in
 * between on this processor cannot mix its answer with this one's. */
static __always_inline bool is_followed(const struct task_struct* task) {
  const __u32 group = task->tgid, slot = group % kAnswers;
  const __u64 asked = (__u64)group << 32 | (__u32)(targets_change << 1);
  __u64* answer = bpf_map_lookup_elem(&answers, &slot);
  if (answer && (*answer | 1) == (asked | 1)) return *answer & 1;
  const bool follows = is_target(task);
  if (answer) *answer = asked | follows;
  return follows;
}

static __always_inline struct piece* piece_at(__u64 time, __u64 inode, __s32 fd) {
  const __u32 zero = 0;
  struct piece* piece = bpf_map_lookup_elem(&pieces, &zero);
  if (!piece) return 0;
  struct capture_event* event = &piece->event;
  event->time = time;
  event->socket = inode;
  event->lost = event->total = 0;
  event->pid = bpf_get_current_pid_tgid() >> 32;
  event->fd = fd;
  event->front = event->tail = 0;
  event->bits = 0;
  return piece;
}

static __always_inline struct piece* piece_for(__u64 inode, __s32 fd) {
  return piece_at(bpf_ktime_get_boot_ns(), inode, fd);
}
