/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Blocks of the heap, of which some are looked at (heap_sampling.h). Either the sampler in the
 * program chooses them (preload/sampler.cc) and its two functions are hooked; or the allocation
 * functions themselves are, which costs two traps each. */
#ifndef PLUMB_KIND_HEAP_H
#define PLUMB_KIND_HEAP_H

#include "detect/source/bpf/heap_sampling.h"
#include "detect/source/bpf/trace_uprobe.h"

const volatile __u64 heap_mean = 512 << 10;

/* Bytes until the next mark, by processor: threads that take turns there share the marks. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __s64);
} heap_left SEC(".maps");

static __always_inline struct trace_resource_key heap_key(const struct trace_target* target,
                                                          __u64 block) {
  const struct trace_resource_key key = {
      .identity = block, .table = target->table, .kind = kKindHeap};
  return key;
}

static __always_inline void heap_taken(const struct trace_target* target, __u64 block, __u64 blocks,
                                       __u64 bytes, __u32 origin) {
  if (block == 0) return;
  const struct trace_resource_key key = heap_key(target, block);
  const struct trace_resource row = {.bytes = bytes,
                                     .origin = origin,
                                     .tid = (__u32)bpf_get_current_pid_tgid(),
                                     .weight = blocks,
                                     .call = 0xffff};
  acquire_resource(&key, &row);
}

SEC("uprobe")
int heap__sampled(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  heap_taken(target, at->di, at->si, at->dx, origin_of(target->space, 0xffff, kKindHeap));
  release_desk();
  return 0;
}

SEC("uprobe")
int heap__freed(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  const struct trace_resource_key key = heap_key(target, at->di);
  release_resource(&key);
  release_desk();
  return 0;
}

SEC("uprobe")
int heap__lost(struct user_registers* at) {
  if (!current_target()) return 0;
  count_loss(kTraceLossHoldings);
  return 0;
}

/* A library was unloaded, or the program has mapped all that it begins with. */
SEC("uprobe")
int heap__code(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  send_process(kTraceEventCode, bpf_get_current_task_btf(), target->space, 0, 0, 0, 0);
  release_desk();
  return 0;
}

/* How many marks lie on the next `size` bytes. */
static __always_inline __u32 heap_marks(__u64 size) {
  const __u32 zero = 0;
  __s64* left = bpf_map_lookup_elem(&heap_left, &zero);
  if (!left) return 0;
  if (size >= heap_mean) return 1;
  __s64 rest = *left - (__s64)size;
  __u32 marks = 0;
  for (int i = 0; i < kHeapMostMarks; i++) {
    if (rest >= 0) break;
    rest += (__s64)heap_step(bpf_get_prandom_u32(), heap_mean);
    marks++;
  }
  *left = rest;
  return marks;
}

static __always_inline void heap_entered(const struct user_registers* at, __u64 cookie,
                                         const struct trace_target* target) {
  __u64 back = 0;
  if (!read_word(&back, at->sp)) return;
  back = real_return(at->sp, back);
  if (from_inside(cookie, at->ip, back)) return;
  const __u64 old = argument_of(at, PLUMB_HEAP_OLD(cookie));
  if (old != 0) {
    const struct trace_resource_key key = heap_key(target, old);
    release_resource(&key);
  }
  __u64 size = argument_of(at, PLUMB_HEAP_SIZE(cookie));
  if (PLUMB_HEAP_TIMES(cookie)) size *= argument_of(at, PLUMB_HEAP_TIMES(cookie));
  if (size == 0) return;
  const __u32 marks = heap_marks(size);
  if (marks == 0) return;
  const struct heap_sample stands = heap_stands_for(size, heap_mean, marks, bpf_get_prandom_u32());
  const struct pending_call call = {.sp = at->sp,
                                    .back = back,
                                    .cookie = cookie,
                                    .argument = PLUMB_HEAP_INTO(cookie) ? at->di : 0,
                                    .bytes = stands.bytes,
                                    .weight = stands.blocks,
                                    .origin = origin_of(target->space, 0xffff, kKindHeap)};
  push_call(&call);
}

SEC("uprobe")
int heap__entered(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  heap_entered(at, bpf_get_attach_cookie(at), target);
  release_desk();
  return 0;
}

SEC("uprobe")
int heap__returned(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  struct pending_call call = {};
  if (pop_call(at->sp, bpf_get_attach_cookie(at), &call)) {
    __u64 block = at->ax;
    if (call.argument != 0) {
      block = 0;
      if ((__u32)at->ax == 0) read_word(&block, call.argument);
    }
    heap_taken(target, block, call.weight, call.bytes, call.origin);
  }
  release_desk();
  return 0;
}

#endif
