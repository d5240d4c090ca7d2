// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Captures what chosen processes send and receive on their stream sockets, as far as it may be
// HTTP. A process that is not chosen pays for one look into a table, where it uses a socket.
#include "detect/source/bpf/capture_calls.h"
#include "detect/source/bpf/capture_go_tls.h"
#include "detect/source/bpf/capture_ring.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Somebody looks only into the libraries of those who have them: a child may get one. */
__u32 tells_children = 0;

static __noinline int tell(__s32 group, __u32 what) {
  struct capture_event event = {.time = bpf_ktime_get_boot_ns(), .pid = group, .what = what};
  bpf_get_current_comm(event.comm, sizeof(event.comm));
  if (bpf_ringbuf_output(&news, &event, sizeof(event), 0) != 0) count_loss(CAPTURE_LOST_TARGETS);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  const __s32 group = child->tgid, before = parent->tgid;
  if (child->pid != group) return 0;
  const __u64* known = bpf_map_lookup_elem(&targets, &before);
  if (!known) return 0;
  const __u64 since = *known;
  if (bpf_map_update_elem(&targets, &group, &since, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_TARGETS);
    return 0;
  }
  __sync_fetch_and_add(&targets_change, 1);
  if (tells_children) tell(group, CAPTURE_FORKED);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct* task) {
  return is_target(task) ? tell(task->tgid, CAPTURE_STARTED) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct* task) {
  const __s32 group = task->tgid;
  if (task->pid != group || !is_target(task)) return 0;
  bpf_map_delete_elem(&targets, &group);
  __sync_fetch_and_add(&targets_change, 1);
  struct piece* piece = piece_for(0, -1);
  if (!piece) return 0;
  fill_event(&piece->event, 0);
  piece->event.what = CAPTURE_EXIT;
  submit(piece, 0);
  return 0;
}
