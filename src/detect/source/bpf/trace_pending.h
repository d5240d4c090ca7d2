/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls of watched functions that have not returned. The kernel watches a return by putting an
 * address of its own in the return address's place, so that a stack below such a call would end
 * there: the real one is kept here, and the walk asks for it. */
#ifndef PLUMB_TRACE_PENDING_H
#define PLUMB_TRACE_PENDING_H

#include "detect/source/bpf/trace_core.h"

const volatile unsigned char returns_watched = 0;

struct pending_call {
  __u64 sp;       /* at the function's entry, where the return address stands */
  __u64 back;     /* the return address */
  __u64 cookie;   /* 0: it has returned */
  __u64 argument; /* that the cookie names */
  __u64 bytes;
  __u32 origin;
  __u32 weight;
};

struct pending_calls {
  struct pending_call calls[kTracePendingCalls];
  __u32 depth;
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 15);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64); /* thread group and thread */
  __type(value, struct pending_calls);
} pending SEC(".maps");

static __always_inline struct pending_calls* own_pending(void) {
  const __u64 thread = bpf_get_current_pid_tgid();
  return bpf_map_lookup_elem(&pending, &thread);
}

/* The return address at a place of the stack, which reads as `read`. */
__noinline __u64 real_return(__u64 at, __u64 read) {
  const struct pending_calls* own = own_pending();
  if (!own) return read;
  __u64 found = read;
  for (__u32 i = 0; i < kTracePendingCalls; i++) {
    if (i < own->depth && own->calls[i].sp == at) found = own->calls[i].back;
  }
  return found;
}

static __always_inline void push_call(const struct pending_call* call) {
  const __u64 thread = bpf_get_current_pid_tgid();
  struct pending_calls* own = bpf_map_lookup_elem(&pending, &thread);
  if (!own) {
    struct pending_calls fresh = {.depth = 1};
    fresh.calls[0] = *call;
    if (bpf_map_update_elem(&pending, &thread, &fresh, BPF_ANY) != 0)
      count_loss(kTraceLossHoldings);
    return;
  }
  /* Calls that never came back (longjmp, an exception) lie deeper than the one that begins. */
  __u32 depth = own->depth;
  for (int i = 0; i < kTracePendingCalls; i++) {
    if (depth == 0 || own->calls[(depth - 1) & (kTracePendingCalls - 1)].sp >= call->sp) break;
    depth--;
  }
  if (depth >= kTracePendingCalls) {
    count_loss(kTraceLossHoldings);
    return;
  }
  own->calls[depth & (kTracePendingCalls - 1)] = *call;
  own->depth = depth + 1;
}

/* The call that returns now, with `sp` one word above where its return address stood. */
static __always_inline bool pop_call(__u64 sp, __u64 cookie, struct pending_call* into) {
  struct pending_calls* own = own_pending();
  if (!own) return false;
  bool found = false;
  for (__u32 i = 0; i < kTracePendingCalls; i++) {
    if (i >= own->depth || own->calls[i].sp + 8 != sp || own->calls[i].cookie != cookie) continue;
    *into = own->calls[i];
    own->calls[i].cookie = 0;
    found = true;
    break;
  }
  __u32 depth = own->depth;
  for (int i = 0; i < kTracePendingCalls; i++) {
    if (depth == 0) break;
    const struct pending_call* last = &own->calls[(depth - 1) & (kTracePendingCalls - 1)];
    if (last->cookie != 0 && last->sp + 8 >= sp) break;
    depth--;
  }
  own->depth = depth;
  if (depth == 0) {
    const __u64 thread = bpf_get_current_pid_tgid();
    bpf_map_delete_elem(&pending, &thread);
  }
  return found;
}

#endif
