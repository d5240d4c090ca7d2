/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The ledger: which descriptors are open, since when and from which origin, with each origin's
 * counts. acquire() and release() are the only ones that change it on behalf of a target. */
#ifndef PLUMB_TRACE_LEDGER_H
#define PLUMB_TRACE_LEDGER_H

#include "detect/source/bpf/trace_calls.h"
#include "detect/source/bpf/trace_walk.h"

const volatile unsigned char keep_closers =
    0; /* the stack of every close, not of listeners' alone */

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 20); /* user space may choose another number before loading */
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct trace_holding_key);
  __type(value, struct trace_holding);
} holdings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kTraceOrigins);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct trace_count);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __s32); /* thread group */
  __type(value, struct trace_target);
} targets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4 * kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct trace_table);
} tables SEC(".maps");

/* Tables of threads that left their group's. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64);
  __type(value, __u32);
} thread_tables SEC(".maps");

/* Origins of which something was used or closed after it was closed: how many events were sent of
 * each sort. Most closes are by the thread that has opened it and tell nothing. */
struct suspect {
  __u32 again;
  __u32 own;
  __u32 foreign;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceSuspects);
  __type(key, __u32);
  __type(value, struct suspect);
} suspects SEC(".maps");
__u32 has_suspects = 0;

__u32 next_table = 1;
__u32 next_space = 1;
__u64 repairs[kTraceRepairs];

__u32 targets_epoch = 0;

/* After each change of `targets`. */
static __always_inline void targets_changed(void) {
  __sync_fetch_and_add(&targets_epoch, 1);
}

static __always_inline struct trace_target* target_at(struct desk* own) {
  const __s32 pid = bpf_get_current_pid_tgid() >> 32;
  struct known_target* known = &own->target;
  const __u32 epoch = targets_epoch;
  if (known->pid != pid || known->epoch != epoch) {
    const struct trace_target* target = bpf_map_lookup_elem(&targets, &pid);
    known->pid = pid;
    known->epoch = epoch;
    known->found = target != 0;
    if (target) known->target = *target;
  }
  return known->found ? &known->target : 0;
}

/* The process that makes the current system call, if it is a target. A copy: 3 ns where the last
 * one was asked for, traced or not, against 25 ns of a look into the map. */
static __always_inline struct trace_target* current_target(void) {
  struct desk* own = desk();
  if (!own) return 0;
  if (own->busy) {
    count_loss(kTraceLossEvents);
    return 0;
  }
  return target_at(own);
}

static __always_inline void count_created(__u32 origin) {
  struct trace_count* count = bpf_map_lookup_elem(&counts, &origin);
  if (count) __sync_fetch_and_add(&count->created, 1);
}

static __always_inline void count_closed(const struct trace_holding* holding) {
  const __u32 origin = holding->origin;
  struct trace_count* count = bpf_map_lookup_elem(&counts, &origin);
  if (count && !(holding->flags & kTraceInherited)) __sync_fetch_and_add(&count->closed, 1);
}

static __always_inline struct file* file_at(struct task_struct* task, __s32 fd) {
  struct fdtable* table = task->files->fdt;
  if (fd < 0 || (__u32)fd >= table->max_fds) return 0;
  /* A slot is one word and of no type that could be named: it is read as the first word of a type
   * that begins with a number, so that what comes is a number too. */
  struct pt_regs* slot = (struct pt_regs*)&table->fd[fd];
  return (struct file*)PLUMB_READ(slot, r15);
}

static __always_inline void fill_head(struct trace_event* head, __u32 type, __u32 space) {
  const __u64 id = bpf_get_current_pid_tgid();
  head->type = type;
  head->pid = id >> 32;
  head->tid = (__u32)id;
  head->space = space;
  head->time = bpf_ktime_get_boot_ns();
}

static __always_inline void send_process(__u32 type, struct task_struct* task, __u32 space,
                                         __u32 table, __u32 old_table, __s32 parent, __s32 status) {
  struct trace_process* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_loss(kTraceLossEvents);
    return;
  }
  fill_head(&event->head, type, space);
  event->head.pid = task->tgid;
  event->head.tid = task->pid;
  event->table = table;
  event->old_table = old_table;
  event->parent = parent;
  event->status = status;
  event->start = task->group_leader->start_boottime;
  BPF_CORE_READ_STR_INTO(&event->name, task, comm);
  bpf_ringbuf_submit(event, 0);
}

static __always_inline __u32 new_table(__u64 files, __u32 parent, __s32 pid, bool moved) {
  const __u32 id = __sync_fetch_and_add(&next_table, 1);
  const struct trace_table table = {.files = files, .parent = parent, .pid = pid, .moved = moved};
  if (bpf_map_update_elem(&tables, &id, &table, BPF_ANY) != 0) count_loss(kTraceLossProcesses);
  return id;
}

/* The table's number of a thread whose files are not its group's. */
static __noinline __u32 thread_table(struct task_struct* task, const struct trace_target* target,
                                     __u64 files) {
  const __u32* known = bpf_map_lookup_elem(&thread_tables, &files);
  if (known) return *known;
  if (!target) return 0;
  const __u32 parent = target->table;
  const __u32 id = new_table(files, parent, task->tgid, false);
  bpf_map_update_elem(&thread_tables, &files, &id, BPF_ANY);
  send_process(kTraceEventUnshare, task, target->space, id, parent, 0, 0);
  return id;
}

static __always_inline __u32 table_of(struct task_struct* task, const struct trace_target* target) {
  const __u64 files = (__u64)task->files;
  return files == target->files ? target->table : thread_table(task, target, files);
}

static __always_inline void send_closed(const struct trace_holding_key* key,
                                        const struct trace_holding* holding, __u32 space,
                                        __u32 closer, __u16 call, __u16 why) {
  struct trace_closed* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_loss(kTraceLossEvents);
    return;
  }
  fill_head(&event->head, kTraceEventClosed, space);
  event->key = *key;
  event->holding = *holding;
  event->closer = closer;
  event->call = call;
  event->why = why;
  bpf_ringbuf_submit(event, 0);
}

/* What one system call acquires: everything but the number and the file is common to them. */
struct acquisition {
  __u32 table;
  __u32 space;
  __u32 origin;
  __u16 call;
  __u8 kind;
  __u8 flags;
};

/* A row stays when its holding is closed, with file 0, and serves the next one at its number:
 * programs take the lowest number again and again, and this saves an allocation and a free each
 * time. The file is written last when a row is filled and first when it is emptied. */
__noinline int acquire(const struct acquisition* a, __s32 fd, __u64 file) {
  if (!a) return 0;
  const struct trace_holding_key key = {.table = a->table, .fd = fd};
  const __u64 now = bpf_ktime_get_boot_ns();
  const __u32 tid = (__u32)bpf_get_current_pid_tgid();
  struct trace_holding* row = bpf_map_lookup_elem(&holdings, &key);
  if (!row) {
    const struct trace_holding fresh = {.file = file,
                                        .born = now,
                                        .origin = a->origin,
                                        .tid = tid,
                                        .call = a->call,
                                        .kind = a->kind,
                                        .flags = a->flags};
    if (bpf_map_update_elem(&holdings, &key, &fresh, BPF_ANY) != 0) {
      count_loss(kTraceLossHoldings);
      return 0;
    }
    count_created(a->origin);
    return 0;
  }
  if (row->file != 0) {
    /* Its close was not seen: another thread was faster than its close's exit, or dup2 went over
     * it. A survey may also have been faster than this call's exit: then it is this very one. */
    const struct trace_holding old = *row;
    const bool same = old.file == file && old.origin <= kTraceFound;
    count_closed(&old);
    if (!same && (old.flags & kTraceListener))
      send_closed(&key, &old, a->space, a->origin, a->call, kTraceClosedWanted);
  }
  row->born = now;
  row->origin = a->origin;
  row->seen = 0;
  row->tid = tid;
  row->call = a->call;
  row->kind = a->kind;
  row->flags = a->flags;
  row->file = file;
  count_created(a->origin);
  return 0;
}

/* Whether its next close is to be told; counts it. */
static __always_inline bool is_suspect(const struct trace_holding* row) {
  if (!has_suspects) return false;
  const __u32 origin = row->origin;
  struct suspect* known = bpf_map_lookup_elem(&suspects, &origin);
  if (!known) return false;
  const bool own = row->tid == (__s32)bpf_get_current_pid_tgid();
  __u32* sent = own ? &known->own : &known->foreign;
  if (*sent >= (own ? kTraceOwnEvents : kTraceSuspectEvents)) return false;
  ++*sent;
  return true;
}

/* Forgets a holding that the current call closed, with its closer where that is wanted. */
__noinline int release(__u32 table, __s32 fd, __u32 space, __u32 call) {
  const struct trace_holding_key key = {.table = table, .fd = fd};
  struct trace_holding* row = bpf_map_lookup_elem(&holdings, &key);
  if (!row || row->file == 0) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  /* Another thread may have taken the number before this call came back. Then the slot's file is
   * the holding's: the old one was counted when the new one took its place. */
  if ((__u64)file_at(task, fd) == row->file) return 0;
  const bool wanted = keep_closers || (row->flags & kTraceListener);
  if (!wanted && !is_suspect(row)) {
    row->file = 0;
    count_closed(row);
    return 0;
  }
  const struct trace_holding holding = *row;
  row->file = 0;
  count_closed(&holding);
  send_closed(&key, &holding, space, origin_of(space, call, holding.kind), call,
              wanted ? kTraceClosedWanted : kTraceClosedSuspect);
  return 0;
}

/* A call on a number that is not open, though it was: its row says what it was. */
__noinline int use_again(__u32 table, __s32 fd, __u32 space, __u32 call) {
  const struct trace_holding_key key = {.table = table, .fd = fd};
  const struct trace_holding* row = bpf_map_lookup_elem(&holdings, &key);
  if (!row || row->file != 0 || row->origin < kTraceFirstOrigin) return 0;
  const struct trace_holding holding = *row;
  struct suspect* known = bpf_map_lookup_elem(&suspects, &holding.origin);
  if (!known) {
    const struct suspect fresh = {};
    bpf_map_update_elem(&suspects, &holding.origin, &fresh, BPF_ANY);
    has_suspects = 1;
    known = bpf_map_lookup_elem(&suspects, &holding.origin);
  }
  if (!known || known->again >= kTraceSuspectEvents) return 0;
  known->again++;
  send_closed(&key, &holding, space, origin_of(space, call, holding.kind), call, kTraceClosedAgain);
  return 0;
}

#endif
