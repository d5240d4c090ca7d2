/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every part of the tracing programs stands on: kernel types before libbpf's helpers, the ring
 * buffer, the counts of what was missed. */
#ifndef PLUMB_TRACE_CORE_H
#define PLUMB_TRACE_CORE_H

/* libbpf's headers need the types that come before them. */
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/trace_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
// clang-format on
#include "detect/source/bpf/trace_abi.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 16 << 20);
} events SEC(".maps");

__u64 losses[kTraceLosses];

static __always_inline void count_loss(enum trace_loss which) {
  __sync_fetch_and_add(&losses[which], 1);
}

static __always_inline __u64 mix(__u64 hash, __u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}

#endif
