/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Threads, from their clone(2) to their end, by the stack that made them. A thread that still runs
 * when its process ends is what the process left. The first thread is no holding: it is the
 * process.
 */
#ifndef PLUMB_KIND_THREAD_H
#define PLUMB_KIND_THREAD_H

#include "detect/source/bpf/trace_resource.h"

/* Number of the system call that the current thread is in. */
static __always_inline __u16 current_call(void) {
  const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(bpf_get_current_task_btf());
  return regs->orig_ax;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(thread__on_fork, struct task_struct* parent, struct task_struct* child) {
  if (child->tgid != parent->tgid) return 0;
  const struct trace_target* target = current_target();
  if (!target) return 0;
  const __u16 call = current_call();
  const struct trace_resource_key key = {
      .identity = child->pid, .table = target->table, .kind = kKindThread};
  const struct trace_resource row = {.origin = origin_of(target->space, call, kKindThread),
                                     .tid = (__u32)bpf_get_current_pid_tgid(),
                                     .weight = 1,
                                     .call = call};
  return acquire_resource(&key, &row);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(thread__on_exit, struct task_struct* task) {
  if (task->signal->flags & kGroupExits) return 0;
  const struct trace_target* target = current_target();
  if (!target) return 0;
  const struct trace_resource_key key = {
      .identity = task->pid, .table = target->table, .kind = kKindThread};
  return release_resource(&key);
}

#endif
