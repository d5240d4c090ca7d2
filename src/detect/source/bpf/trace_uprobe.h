/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What programs at functions of the targets begin and end with. */
#ifndef PLUMB_TRACE_UPROBE_H
#define PLUMB_TRACE_UPROBE_H

#include "detect/source/bpf/trace_pending.h"
#include "detect/source/bpf/trace_resource.h"

/* Registers in the order of the user ABI, which does not change. */
struct user_registers {
  __u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags,
      sp, ss;
};

/* The target that hit the probe, with the processor's desk taken: a kernel that preempts itself may
 * run another task's programs before this one goes on, which then lose their event, counted. After
 * a pointer, release_desk() must follow. */
static __always_inline struct trace_target* probed_target(void) {
  struct desk* own = desk();
  if (!own) return 0;
  if (own->busy) {
    count_loss(kTraceLossEvents);
    return 0;
  }
  struct trace_target* target = target_at(own);
  if (target) own->busy = 1;
  return target;
}

static __always_inline void release_desk(void) {
  struct desk* own = desk();
  if (own) own->busy = 0;
}

/* Whether the library calls its own function. */
static __always_inline bool from_inside(__u64 cookie, __u64 ip, __u64 caller) {
  const __u64 before = PLUMB_PAIR_BEFORE(cookie);
  const __u64 after = PLUMB_PAIR_AFTER(cookie);
  const __u64 page = ip >> 12;
  return before + after != 0 && caller >> 12 >= page - before && caller >> 12 < page + after;
}

/* Argument 1 to 6 of the psABI; 0 for another number. All are read before one is chosen: of a place
 * in the registers that is computed the verifier knows nothing. */
static __always_inline __u64 argument_of(const struct user_registers* at, __u32 number) {
  __u64 first = at->di, second = at->si, third = at->dx;
  __u64 fourth = at->cx, fifth = at->r8, sixth = at->r9;
  asm volatile("" : "+r"(first), "+r"(second), "+r"(third));
  asm volatile("" : "+r"(fourth), "+r"(fifth), "+r"(sixth));
  return number == 1   ? first
         : number == 2 ? second
         : number == 3 ? third
         : number == 4 ? fourth
         : number == 5 ? fifth
         : number == 6 ? sixth
                       : 0;
}

#endif
