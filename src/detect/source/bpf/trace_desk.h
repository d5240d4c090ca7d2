/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What each processor keeps at hand from one system call to the next, and room to work in. One
 * object, because each page that a program touches first may cost a look into the page tables. */
#ifndef PLUMB_TRACE_DESK_H
#define PLUMB_TRACE_DESK_H

#include "detect/source/bpf/trace_core.h"

enum { kDeskBytes = 4096 };

/* What the last look into `targets` found. Good until any target changes. */
struct known_target {
  struct trace_target target;
  __s32 pid;
  __u32 epoch;
  __u32 found;
  __u32 pad;
};

/* Numbers that a system call returned, before they are looked up, and where the reading of a
 * message's control data stands. In a map, because the verifier would follow every value that a
 * variable on the stack may take. */
struct made {
  __s32 fds[kTraceControlFds];
  __u64 base;
  __u32 length;
  __u32 at;
  __u32 rights_end; /* 0: at a header */
  __u32 next;
  __u32 found;
  __u32 pad;
};

struct desk {
  struct known_target target;
  __u32 busy; /* a uprobe's program is at work here, which the kernel may interrupt for others */
  __u32 pad;
  struct made made;
  __u8 bytes[kDeskBytes]; /* of a user's stack */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct desk);
} desks SEC(".maps");

static __always_inline struct desk* desk(void) {
  const __u32 zero = 0;
  return bpf_map_lookup_elem(&desks, &zero);
}

#endif
