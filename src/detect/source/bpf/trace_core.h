/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every part of the tracing programs stands on: kernel types before libbpf's helpers, the ring
 * buffer, the counts of what was missed. */
#ifndef PLUMB_TRACE_CORE_H
#define PLUMB_TRACE_CORE_H

/* libbpf's headers need the types that come before them, and name the registers as those do. */
#define __VMLINUX_H__
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/trace_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
// clang-format on
#include "detect/source/bpf/trace_abi.h"

/* a3524a95b10d ("bpf: Add kfunc bpf_rdonly_cast"), Linux 6.2: user space says whether it is there.
 * Reading through it costs 1 ns, where bpf_probe_read_kernel costs 20. */
const volatile unsigned char direct_reads = 0;
extern void* bpf_rdonly_cast(const void* object, __u32 type) __ksym __weak;

/* (pointer)->field of a kernel object; 0 where the pointer leads nowhere. */
#define PLUMB_READ(pointer, field)                                                    \
  ({                                                                                  \
    __typeof__(pointer) object = (pointer);                                           \
    __typeof__((pointer)->field) value;                                               \
    if (direct_reads) {                                                               \
      object = bpf_rdonly_cast(object, bpf_core_type_id_kernel(__typeof__(*object))); \
      value = object->field;                                                          \
    } else {                                                                          \
      __builtin_memset((void*)&value, 0, sizeof(value));                              \
      bpf_core_read((void*)&value, sizeof(value), &object->field);                    \
    }                                                                                 \
    value;                                                                            \
  })

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, kTraceRing);
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
