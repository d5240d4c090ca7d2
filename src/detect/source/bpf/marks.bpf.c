// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Marks that the kernel sees: programs that are started, children that are made, and the probe
// plumb:mark of programs on plumb's runtime.
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/trace_kernel.h"
#define __VMLINUX_H__ /* registers have the kernel's names, as in trace_kernel.h */
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
// clang-format on
#include "detect/source/bpf/marks_abi.h"

__u64 lost = 0; /* events that found no room */

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 256 * 1024);
} events SEC(".maps");

static __always_inline struct mark_event* begin(__u32 what) {
  struct mark_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    __sync_fetch_and_add(&lost, 1);
    return 0;
  }
  __builtin_memset(event, 0, sizeof(*event));
  event->time = bpf_ktime_get_boot_ns();
  event->what = what;
  event->pid = (__s32)(bpf_get_current_pid_tgid() >> 32);
  return event;
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void* context) {
  struct mark_event* event = begin(kMarkExec);
  if (!event) return 0;
  bpf_get_current_comm(event->name, 16);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/* Threads are not told of. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  if (child->tgid == parent->tgid) return 0;
  struct mark_event* event = begin(kMarkChild);
  if (!event) return 0;
  event->pid = child->tgid;
  bpf_get_current_comm(event->name, 16);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

SEC("usdt")
int BPF_USDT(on_job, const char* name, const char* what, __u64 run) {
  struct mark_event* event = begin(kMarkJob);
  if (!event) return 0;
  bpf_probe_read_user_str(event->name, sizeof(event->name), name);
  bpf_probe_read_user_str(event->event, sizeof(event->event), what);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
