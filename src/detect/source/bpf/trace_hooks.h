/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The hooks: which system call did what to the ledger, and what becomes of a target's tables. */
#ifndef PLUMB_TRACE_HOOKS_H
#define PLUMB_TRACE_HOOKS_H

#include "detect/source/bpf/kind_mapping.h"
#include "detect/source/bpf/trace_calls.h"
#include "detect/source/bpf/trace_kinds.h"
#include "detect/source/bpf/trace_listener.h"

const volatile unsigned char follow_children = 1;
const volatile unsigned char mappings_too = 0; /* kind_mapping.h is wanted beside descriptors */

static __always_inline __s32 user_int(__u64 address) {
  __s32 value = -1;
  bpf_probe_read_user(&value, sizeof(value), (const void*)address);
  return value;
}

static long read_control(__u64 index, void* unused) {
  struct desk* own = desk();
  struct made* c = own ? &own->made : 0;
  if (!c || c->at + 4 > c->length) return 1;
  if (c->rights_end != 0) {
    if (c->found >= kTraceControlFds) {
      count_loss(kTraceLossControl);
      return 1;
    }
    c->fds[c->found & (kTraceControlFds - 1)] = user_int(c->base + c->at);
    c->found++;
    c->at += 4;
    if (c->at < c->rights_end) return 0;
    c->at = c->next;
    c->rights_end = 0;
    return 0;
  }
  struct {
    __u64 size;
    __s32 level, type;
  } header;
  if (c->at + sizeof(header) > c->length) return 1;
  if (bpf_probe_read_user(&header, sizeof(header), (const void*)(c->base + c->at)) != 0) return 1;
  if (header.size < sizeof(header) || header.size > c->length - c->at) return 1;
  c->next = c->at + (((__u32)header.size + 7) & ~7U);
  /* SOL_SOCKET with SCM_RIGHTS or SCM_PIDFD */
  const bool rights = header.level == 1 && (header.type == 1 || header.type == 4);
  c->rights_end = rights && header.size >= sizeof(header) + 4 ? c->at + (__u32)header.size : 0;
  c->at = c->rights_end != 0 ? c->at + sizeof(header) : c->next;
  return 0;
}

/* Takes the descriptors out of a received message. The kernel wrote the control data, so it is well
 * formed; a program that overwrites it meanwhile only fools itself, because every number is looked
 * up in the table. */
static __noinline __u32 from_message(struct made* c, __u64 message) {
  struct {
    __u64 name, name_length, vectors, vector_count, control, control_length;
  } header;
  if (!c || bpf_probe_read_user(&header, sizeof(header), (const void*)message) != 0) return 0;
  if (header.control_length < 20 || header.control_length > 65536 || header.control == 0) return 0;
  c->base = header.control;
  c->length = header.control_length;
  c->at = c->rights_end = c->next = c->found = 0;
  bpf_loop(kTraceControlFds + 8, read_control, 0, 0);
  return c->found;
}

static __always_inline bool bpf_makes(__u64 command) {
  switch (command) {
    case 0:  /* MAP_CREATE */
    case 5:  /* PROG_LOAD */
    case 7:  /* OBJ_GET */
    case 13: /* PROG_GET_FD_BY_ID */
    case 14: /* MAP_GET_FD_BY_ID */
    case 17: /* RAW_TRACEPOINT_OPEN */
    case 18: /* BTF_LOAD */
    case 19: /* BTF_GET_FD_BY_ID */
    case 28: /* LINK_CREATE */
    case 30: /* LINK_GET_FD_BY_ID */
    case 32: /* ENABLE_STATS */
    case 33: /* ITER_CREATE */
    case 36: /* TOKEN_CREATE */
      return true;
    default:
      return false;
  }
}

/* How many descriptors the call made; their numbers are in made->fds. */
static __noinline __u32 made_by(struct made* made, struct pt_regs* regs, __u32 class, long result) {
  if (!made || !regs) return 0;
  const __u64 first = regs->di;
  const __u64 second = regs->si;
  made->fds[0] = result;
  switch (class) {
    case kCallMakes:
    case kCallDup:
      return 1;
    case kCallDupOver:
      return first == second ? 0 : 1; /* dup2(n, n) does nothing */
    case kCallFcntl:
      return second == 0 || second == 1030; /* F_DUPFD, F_DUPFD_CLOEXEC */
    case kCallBpf:
      return bpf_makes(first);
    case kCallSeccomp:
      return first == 1 && (second & 8);
    case kCallSignalfd:
      return (__s32)first == -1;
    case kCallPair: {
      /* pipe has its array first, socketpair fourth */
      const __u64 array = regs->orig_ax == __NR_socketpair ? regs->r10 : first;
      made->fds[0] = user_int(array);
      made->fds[1] = user_int(array + 4);
      return 2;
    }
    case kCallReceive:
      return from_message(made, second);
    case kCallClone: {
      if (!(first & 0x1000)) return 0; /* CLONE_PIDFD */
      made->fds[0] = user_int(regs->dx);
      return 1;
    }
    case kCallClone3: {
      struct {
        __u64 flags, pidfd;
      } args;
      if (bpf_probe_read_user(&args, sizeof(args), (const void*)first) != 0) return 0;
      if (!(args.flags & 0x1000)) return 0;
      made->fds[0] = user_int(args.pidfd);
      return 1;
    }
    default:
      return 0;
  }
}

/* The second and later descriptors of one call. */
struct others {
  struct acquisition a;
  __u32 reclassify;
};

static long acquire_other(__u64 index, struct others* others) {
  struct desk* own = desk();
  if (!own) return 1;
  struct made* made = &own->made;
  const __s32 fd = made->fds[(index + 1) & (kTraceControlFds - 1)];
  struct file* file = file_at(bpf_get_current_task_btf(), fd);
  if (!file) return 0;
  if (others->reclassify) others->a.kind = kind_of((__u64)file, others->a.call);
  const struct acquisition a = others->a;
  acquire(&a, fd, (__u64)file);
  return 0;
}

static __noinline int on_made(struct task_struct* task, struct pt_regs* regs, __u32 class,
                              struct trace_target* target, long result) {
  struct desk* own = desk();
  if (!own || !target) return 0;
  struct made* made = &own->made;
  const __u32 count = made_by(made, regs, class, result);
  if (count == 0) return 0;
  struct file* file = file_at(task, made->fds[0]);
  if (!file) return 0; /* already closed again by another thread */
  const __u16 call = regs->orig_ax;
  struct acquisition a = {.table = table_of(task, target),
                          .space = target->space,
                          .call = call,
                          .kind = kind_of((__u64)file, call)};
  if (class == kCallDup || class == kCallDupOver || class == kCallFcntl) {
    const struct trace_holding_key from = {.table = a.table, .fd = regs->di};
    const struct trace_holding* original = bpf_map_lookup_elem(&holdings, &from);
    if (original) a.flags = original->flags & kTraceListener;
  }
  a.origin = origin_of(a.space, call, a.kind);
  acquire(&a, made->fds[0], (__u64)file);
  if (count > 1) {
    struct others others = {.a = a, .reclassify = class == kCallReceive};
    bpf_loop(count - 1, acquire_other, &others, 0);
  }
  return 0;
}

struct range {
  __u32 table;
  __u32 space;
  __u32 first;
};

static long close_one(__u64 index, struct range* range) {
  release(range->table, range->first + index, range->space, __NR_close_range);
  return 0;
}

/* CLOSE_RANGE_UNSHARE makes a new table, which a later call finds; CLOSE_RANGE_CLOEXEC closes at
 * exec, where every table is read anew. */
static __noinline int on_close_range(struct task_struct* task, struct pt_regs* regs,
                                     struct trace_target* target) {
  if (!target || (regs->dx & 4)) return 0;
  const __u32 size = task->files->fdt->max_fds;
  const __u32 first = regs->di;
  const __u32 last = regs->si;
  struct range range = {.table = table_of(task, target), .space = target->space, .first = first};
  if (first >= size || last < first) return 0;
  bpf_loop((last < size ? last : size - 1) - first + 1, close_one, &range, 0);
  return 0;
}

static __noinline int on_listen(struct task_struct* task, struct pt_regs* regs,
                                struct trace_target* target) {
  if (!target) return 0;
  const __s32 fd = regs->di;
  const struct trace_holding_key key = {.table = table_of(task, target), .fd = fd};
  struct trace_holding* holding = bpf_map_lookup_elem(&holdings, &key);
  struct file* file = file_at(task, fd);
  if (!holding || !file) return 0;
  holding->flags |= kTraceListener;
  send_listener(&key, file, target->space, task);
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs* regs, long result) {
  const __u64 number = regs->orig_ax;
  const bool failed = result < 0 && number != __NR_close;
  /* Of what failed only a number that is no descriptor (EBADF) tells something. */
  const bool maps = mappings_too && !failed && is_mapping_call(number);
  if (failed ? result != -9 || !uses_descriptor(number) : !maps && !has_class(number)) return 0;
  struct trace_target* target = current_target();
  if (!target) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  if (task->thread_info.status & kThreadCompat) return 0; /* the survey finds them */
  if (failed) return use_again(table_of(task, target), regs->di, target->space, number);
  if (maps) {
    on_mapping_call(regs, target, result);
    if (number != __NR_mmap) return 0;
  }
  const __u32 class = call_classes[number & (kCallNumbers - 1)];
  switch (class) {
    case kCallClose:
      /* Every result but EBADF means that the number is free, also EINTR and EIO. */
      if (result == -9) return use_again(table_of(task, target), regs->di, target->space, number);
      return release(table_of(task, target), regs->di, target->space, __NR_close);
    case kCallCloseRange:
      return on_close_range(task, regs, target);
    case kCallListen:
      return on_listen(task, regs, target);
    case kCallMmap: {
      /* PROT_EXEC of a file: a library came, perhaps where another one was */
      if (!(regs->dx & 4) || (__s32)regs->r8 < 0) return 0;
      send_process(kTraceEventCode, task, target->space, 0, 0, 0, 0);
      return 0;
    }
    default:
      return on_made(task, regs, class, target, result);
  }
}

/* Descriptors that io_uring makes: openat 18, accept 13, openat2 28, socket 45, pipe 62. In a
 * worker thread there is no user stack; otherwise it is that of the call that drove the ring. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_io_uring, struct io_ring_ctx* ring, void* request, struct io_uring_cqe* cqe) {
  struct trace_target* target = current_target();
  if (!target || !request || !cqe) return 0;
  const __u8 opcode = BPF_CORE_READ((struct io_kiocb*)request, opcode);
  if (opcode != 13 && opcode != 18 && opcode != 28 && opcode != 45) return 0;
  const __s32 fd = BPF_CORE_READ(cqe, res);
  if (fd < 0) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  struct file* file = file_at(task, fd);
  if (!file) return 0;
  struct acquisition a = {
      .table = table_of(task, target), .space = target->space, .call = __NR_io_uring_enter};
  /* A direct descriptor's result is a slot of the ring, not a number of the table: whatever stands
   * at that number is known already. */
  const struct trace_holding_key key = {.table = a.table, .fd = fd};
  const struct trace_holding* known = bpf_map_lookup_elem(&holdings, &key);
  if (known && known->file == (__u64)file) return 0;
  a.kind = kind_of((__u64)file, a.call);
  a.origin = task->flags & (kTaskIoWorker | kTaskKernel) ? kTraceNoStack
                                                         : origin_of(a.space, a.call, a.kind);
  acquire(&a, fd, (__u64)file);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  if (!follow_children) return 0;
  const __s32 pid = parent->tgid;
  const struct trace_target* from = bpf_map_lookup_elem(&targets, &pid);
  const __s32 child_pid = child->tgid;
  if (!from || child_pid == pid) return 0;
  const __u64 files = (__u64)child->files;
  const __u32 parents = table_of(parent, from);
  struct trace_target target = {.files = files, .space = from->space};
  target.start = child->start_boottime;
  /* CLONE_FILES without CLONE_THREAD: one table for two processes */
  const bool shared = files == (__u64)parent->files;
  target.table = shared ? parents : new_table(files, parents, child_pid, false);
  if (bpf_map_update_elem(&targets, &child_pid, &target, BPF_ANY) != 0) {
    count_loss(kTraceLossProcesses);
    return 0;
  }
  targets_changed();
  send_process(kTraceEventFork, child, target.space, target.table, parents, pid, 0);
  return 0;
}

/* The descriptors with CLOEXEC are gone by now and the code is another. What is left of the old
 * table a survey carries over. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct* task, int old_pid, struct linux_binprm* binary) {
  const __s32 pid = task->tgid;
  struct trace_target* target = bpf_map_lookup_elem(&targets, &pid);
  if (!target) return 0;
  const __u32 old = target->table;
  target->files = (__u64)task->files;
  target->space = __sync_fetch_and_add(&next_space, 1);
  target->table = new_table(target->files, old, pid, true);
  targets_changed();
  send_process(kTraceEventExec, task, target->space, target->table, old, 0, 0);
  return 0;
}

/* Runs before the thread lets go of its table, so nothing of it is closed yet. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct* task, bool group_dead) {
  const __s32 pid = task->tgid;
  struct trace_target* target = bpf_map_lookup_elem(&targets, &pid);
  if (!target) return 0;
  const __u64 files = (__u64)task->files;
  if (files != target->files) {
    const __u32* own = bpf_map_lookup_elem(&thread_tables, &files);
    if (own && task->files->count.counter == 1) {
      send_process(kTraceEventUnshare, task, target->space, 0, *own, 0, 0);
      bpf_map_delete_elem(&thread_tables, &files);
    }
  }
  if (!group_dead) return 0;
  send_process(kTraceEventExit, task, target->space, target->table, 0, 0, task->exit_code);
  bpf_map_delete_elem(&targets, &pid);
  targets_changed();
  return 0;
}

#endif
