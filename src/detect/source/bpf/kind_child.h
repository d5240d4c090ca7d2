/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Child processes, from their fork(2) until somebody has waited for them, by the stack that started
 * them. The process that started one holds it: it is the one that must wait. */
#ifndef PLUMB_KIND_CHILD_H
#define PLUMB_KIND_CHILD_H

#include "detect/source/bpf/kind_thread.h"

/* Where a child's row is. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4 * kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __s32);
  __type(value, __u32); /* its parent's table */
} child_holders SEC(".maps");

SEC("tp_btf/sched_process_fork")
int BPF_PROG(child__on_fork, struct task_struct* parent, struct task_struct* child) {
  const __s32 pid = child->tgid;
  if (pid == parent->tgid) return 0;
  const struct trace_target* target = current_target();
  if (!target) return 0;
  const __u32 table = target->table;
  const __u16 call = current_call();
  const struct trace_resource_key key = {.identity = pid, .table = table, .kind = kKindChild};
  const struct trace_resource row = {.origin = origin_of(target->space, call, kKindChild),
                                     .tid = (__u32)bpf_get_current_pid_tgid(),
                                     .weight = 1,
                                     .call = call};
  if (bpf_map_update_elem(&child_holders, &pid, &table, BPF_ANY) != 0) {
    count_loss(kTraceLossHoldings);
    return 0;
  }
  return acquire_resource(&key, &row);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(child__on_exit, struct task_struct* task, bool group_dead) {
  const __s32 pid = task->tgid;
  const __u32* table = group_dead ? bpf_map_lookup_elem(&child_holders, &pid) : 0;
  if (!table) return 0;
  const struct trace_resource_key key = {.identity = pid, .table = *table, .kind = kKindChild};
  struct trace_resource* row = bpf_map_lookup_elem(&resources, &key);
  if (row) row->ended = 1;
  return 0;
}

/* After somebody waited, or where nobody has to (SIGCHLD ignored). */
SEC("tp_btf/sched_process_free")
int BPF_PROG(child__on_free, struct task_struct* task) {
  const __s32 pid = task->tgid;
  if (task->pid != pid) return 0;
  const __u32* table = bpf_map_lookup_elem(&child_holders, &pid);
  if (!table) return 0;
  const struct trace_resource_key key = {.identity = pid, .table = *table, .kind = kKindChild};
  bpf_map_delete_elem(&child_holders, &pid);
  return release_resource(&key);
}

/* The parent became another program, and its children are still its own. */
SEC("syscall")
int child__adopt(struct trace_adopt* what) {
  const struct trace_resource_key from = what->key;
  struct trace_resource_key to = from;
  to.table = what->table;
  const struct trace_resource* row = bpf_map_lookup_elem(&resources, &from);
  if (!row) return 0;
  const __s32 pid = from.identity;
  const __u32 table = to.table;
  bpf_map_update_elem(&child_holders, &pid, &table, BPF_EXIST);
  return move_resource(&from, &to, 0);
}

#endif
