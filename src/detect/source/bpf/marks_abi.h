/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs of marks.bpf.c put into their ring buffer; read by C++ and by the programs. */
#ifndef PLUMB_MARKS_ABI_H
#define PLUMB_MARKS_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
namespace plumb::detect::abi {
#endif

enum {
  kMarkName = 64,
  kMarkExec = 1,  /* a program was started: name is what it is called now */
  kMarkChild = 2, /* a process was made: name is its parent's */
  kMarkJob = 3,   /* the probe plumb:mark: name and event are its arguments */
};

struct mark_event {
  __u64 time; /* CLOCK_BOOTTIME, ns */
  __u32 what;
  __s32 pid;
  char name[kMarkName]; /* ends with NUL */
  char event[16];       /* of a job: "start", "stop", "failed", … */
};

#ifdef __cplusplus
}
static_assert(sizeof(plumb::detect::abi::mark_event) == 96);
#else
_Static_assert(sizeof(struct mark_event) == 96, "as in C++");
#endif

#endif
