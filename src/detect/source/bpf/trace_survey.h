/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The survey that puts the ledger right: an iterator over the open files of the targets marks what
 * it sees and adds what no hook saw; user space then forgets what was not marked. */
#ifndef PLUMB_TRACE_SURVEY_H
#define PLUMB_TRACE_SURVEY_H

#include "detect/source/bpf/trace_kinds.h"
#include "detect/source/bpf/trace_listener.h"

__u32 survey_number = 0;
__u64 survey_files = 0;

/* Takes over from the table that this one was copied from, some forks and execs back, if the same
 * file stands there at the same number. An exec moves the holding; a fork leaves the parent's. */
static __always_inline bool carry_over(__u32 table, __s32 fd, struct trace_holding* holding) {
  __u8 inherited = 0;
  for (int i = 0; i < 4; i++) {
    const struct trace_table* own = bpf_map_lookup_elem(&tables, &table);
    if (!own || own->parent == 0) return false;
    if (!own->moved) inherited = kTraceInherited;
    table = own->parent;
    const struct trace_holding_key key = {.table = table, .fd = fd};
    const struct trace_holding* source = bpf_map_lookup_elem(&holdings, &key);
    if (!source || source->file != holding->file) continue;
    const __u32 seen = holding->seen;
    *holding = *source;
    holding->seen = seen;
    holding->flags |= inherited;
    if (!inherited) bpf_map_delete_elem(&holdings, &key);
    return true;
  }
  return false;
}

static __always_inline __u8 listens(struct file* file, __u8 kind) {
  if (kind != kKindTcp && kind != kKindUnix) return 0;
  struct socket* socket = PLUMB_READ(file, private_data);
  struct sock* sk = PLUMB_READ(socket, sk);
  return PLUMB_READ(sk, __sk_common.skc_state) == kStateListen ? kTraceListener : 0;
}

SEC("iter/task_file")
int survey_table(struct bpf_iter__task_file* ctx) {
  struct task_struct* task = ctx->task;
  struct file* file = ctx->file;
  if (!task || !file) return 0;
  const __s32 pid = task->tgid;
  struct trace_target* target = bpf_map_lookup_elem(&targets, &pid);
  if (!target) return 0;
  survey_files++;
  const __u32 table = table_of(task, target);
  const struct trace_holding_key key = {.table = table, .fd = ctx->fd};
  struct trace_holding* known = bpf_map_lookup_elem(&holdings, &key);
  if (known && known->file == (__u64)file) {
    known->seen = survey_number;
    return 0;
  }
  if (known && known->file != 0) {
    /* Its close and the new one's coming may be on their way to their hooks; what came after this
     * survey began is theirs. */
    count_closed(known);
    repairs[kTraceRepairReplaced]++;
  }
  struct trace_holding holding = {.file = (__u64)file,
                                  .born = bpf_ktime_get_boot_ns(),
                                  .origin = survey_number > 1 ? kTraceFound : kTraceBornBefore,
                                  .seen = survey_number,
                                  .call = 0xffff,
                                  .kind = classify(file)};
  holding.flags = listens(file, holding.kind);
  const bool carried = carry_over(table, ctx->fd, &holding);
  if (bpf_map_update_elem(&holdings, &key, &holding, BPF_ANY) != 0) {
    count_loss(kTraceLossHoldings);
    return 0;
  }
  if (holding.flags & kTraceListener) send_listener(&key, file, target->space, task);
  if (carried) {
    repairs[kTraceRepairInherited] += holding.flags & kTraceInherited ? 1 : 0;
    return 0;
  }
  if (holding.origin == kTraceFound) repairs[kTraceRepairFound]++;
  count_created(holding.origin);
  return 0;
}

/* Makes a target of the one process that the iterator was told to visit. */
SEC("iter/task")
int follow(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  if (!task || task->pid != task->tgid) return 0;
  const __s32 pid = task->tgid;
  if (bpf_map_lookup_elem(&targets, &pid)) return 0;
  struct trace_target target = {.files = (__u64)task->files, .start = task->start_boottime};
  if (target.files == 0) return 0; /* a zombie */
  target.space = __sync_fetch_and_add(&next_space, 1);
  target.table = new_table(target.files, 0, pid, false);
  if (bpf_map_update_elem(&targets, &pid, &target, BPF_NOEXIST) != 0) {
    count_loss(kTraceLossProcesses);
    return 0;
  }
  targets_changed();
  send_process(kTraceEventFork, task, target.space, target.table, 0, 0, 0);
  return 0;
}

/* Forgets one holding if it is still the one that user space looked at. Returns 1 if it did. */
SEC("syscall")
int forget(struct trace_forget* what) {
  const struct trace_holding_key key = what->key;
  struct trace_holding* found = bpf_map_lookup_elem(&holdings, &key);
  if (!found || found->born != what->born) return 0;
  struct trace_holding holding = *found;
  if (bpf_map_delete_elem(&holdings, &key) != 0 || holding.file == 0) return 0;
  count_closed(&holding);
  return 1;
}

#endif
