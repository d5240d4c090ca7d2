/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The short way on a connection that is passed over: what a call costs at full load. */
#pragma once

#include "detect/source/bpf/capture_recorder.h"

struct tick {
  __u64 number;
  __u64 time;
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct tick);
} ticks SEC(".maps");

/* Now, to a tick of the kernel's clock (1 to 10 ms), and later than `after`: reading the clock
 * itself costs twice what the rest of a hook does that only looks and goes. */
static __always_inline __u64 about_now(__u64 after) {
  const __u32 zero = 0;
  struct tick* tick = bpf_map_lookup_elem(&ticks, &zero);
  if (!tick) return bpf_ktime_get_boot_ns();
  const __u64 number = bpf_jiffies64();
  if (tick->number != number) {
    tick->time = bpf_ktime_get_boot_ns();
    tick->number = number;
  }
  return tick->time > after ? tick->time : after + 1;
}

struct span {
  const __u8* base;
  __u64 size;
};

/* The first and the last buffer of a call of one or two, as far as `total` bytes fill them. */
static __always_inline bool find_ends(const struct place* place, __u64 total, struct span* first,
                                      struct span* last) {
  __u64 vectors[4] = {place->base, total};
  if (!place->base) {
    if (!place->vectors || place->count == 0 || place->count > 2) return false;
    const __u32 size = place->count == 2 ? 32 : 16;
    if (bpf_probe_read_user(vectors, size, (const void*)place->vectors) != 0) return false;
  }
  first->base = (const void*)vectors[0];
  first->size = vectors[1] < total ? vectors[1] : total;
  *last = *first;
  const __u64 rest = total - first->size;
  if (rest == 0) return true;
  if (rest > vectors[3]) return false;
  last->base = (const void*)vectors[2];
  last->size = rest;
  return true;
}

/* Counts what is no message's beginning, and keeps its last bytes. */
static __always_inline void go_on(struct capture_recorded* kept, const struct passed* passed,
                                  const struct span* last, __u64 seen) {
  const __u64 total = passed->total;
  kept->event.time = passed->time;
  kept->event.total += total;
  kept->event.tail = 0;
  if (total <= seen || !last->base) return;
  const __u64 rest = total - seen < last->size ? total - seen : last->size;
  __u32 size = rest < CAPTURE_TAIL ? rest : CAPTURE_TAIL;
  asm volatile("" : "+r"(size));
  if (size > CAPTURE_TAIL) return;
  if (bpf_probe_read_user(kept->tail, size, last->base + (last->size - size)) == 0) {
    kept->event.tail = size;
  }
}

#define kShort 128

/* Copies `size` bytes from the process. Short ones by way of the stack: where the kernel checks
 * what is copied into (CONFIG_HARDENED_USERCOPY) that is the one place that it knows at once. */
static __always_inline bool take_front(__u8* into, __u32 size, const __u8* from) {
  if (size > kShort) return bpf_probe_read_user(into, size, from) == 0;
  __u64 words[kShort / 8] = {};
  if (bpf_probe_read_user(words, size, from) != 0) return false;
#pragma unroll
  for (__u32 i = 0; i < kShort / 8; ++i) ((__u64*)into)[i] = words[i];
  return true;
}

/* The short way on a connection that is passed over, straight from the process into the recorder.
 * Messages are told from each other by who speaks: who answers begins one. False where it is to go
 * the long way. */
static __noinline int pass_over(struct capture_passing* passing, const struct passed* passed,
                                const struct place* place) {
  if (!passed || !passing || !place) return 0;
  const __u64 total = passed->total;
  const __u32 way = passed->bits & CAPTURE_SENT ? 1 : 0;
  const bool turn = way != (passing->bits & CAPTURE_SPOKE ? 1 : 0);
  struct span first = {}, last = {};
  const bool in_process = place->base || place->vectors;
  if (in_process && !find_ends(place, total, &first, &last)) return 0;
  struct capture_recorded* kept = &passing->recorder.way[way];
  __u64 seen = 0;
  if (turn && in_process) {
    __u32 size = first.size < CAPTURE_RECORDED ? first.size : CAPTURE_RECORDED;
    asm volatile("" : "+r"(size));
    if (size > CAPTURE_RECORDED || !take_front(kept->front, size, first.base)) return 0;
    const enum beginning part = beginning_of(kept->front, size);
    if (part == kRequest) {
      struct capture_budget* budget = budget_at(passed->time);
      if (!budget || budget->left != 0 || opens_tunnel(kept->front)) return 0;
      ++budget->skips;
    }
    begin_record(&passing->recorder, way, part, passed);
    /* The rest of a request whose sender waited for leave to go on: the head is gone. */
    if (part != kGoesOn) kept->event.front = seen = size;
    if (way) {
      passing->bits |= CAPTURE_SPOKE;
    } else {
      passing->bits &= ~CAPTURE_SPOKE;
    }
  }
  go_on(kept, passed, &last, seen);
  passing->lost[way] += total;
  return 1;
}
