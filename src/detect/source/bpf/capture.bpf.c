// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Captures what chosen processes send and receive on their stream sockets, as far as it may be
// HTTP. A process that is not chosen pays for one look into a table, where it uses a socket.
#include "detect/source/bpf/capture_calls.h"
#include "detect/source/bpf/capture_go_tls.h"
#include "detect/source/bpf/capture_sockets.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  const __s32 group = child->tgid;
  if (child->pid != group || !is_target(parent)) return 0;
  const __u8 one = 1;
  if (bpf_map_update_elem(&targets, &group, &one, BPF_ANY) != 0) count_loss(CAPTURE_LOST_TARGETS);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct* task) {
  const __s32 group = task->tgid;
  if (task->pid != group || !is_target(task)) return 0;
  bpf_map_delete_elem(&targets, &group);
  struct piece* piece = piece_for(0, -1);
  if (!piece) return 0;
  fill_event(&piece->event, 0);
  piece->event.what = CAPTURE_EXIT;
  submit(piece, 0);
  return 0;
}
