/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Memory mappings: mmap(2), munmap(2) and mremap(2) of the targets. A mapping is known by its first
 * address. A hash finds what begins at an address and not what covers it, so an munmap from the
 * middle on is left to the survey (kind_mapping.cc), which reads the process's map. */
#ifndef PLUMB_KIND_MAPPING_H
#define PLUMB_KIND_MAPPING_H

#include "detect/source/bpf/trace_calls.h"
#include "detect/source/bpf/trace_resource.h"

enum {
  kMappingsAtOnce = 64, /* mappings that one munmap ends, beyond which the survey finds out */
  kMappingPage = 4096,
};

static __always_inline __u64 whole_pages(__u64 bytes) {
  return (bytes + kMappingPage - 1) & ~(__u64)(kMappingPage - 1);
}

static __always_inline int on_mmap(struct pt_regs* regs, const struct trace_target* target,
                                   __u64 address) {
  const struct trace_resource_key key = {
      .identity = address, .table = target->table, .kind = kKindMapping};
  const struct trace_resource row = {.bytes = whole_pages(regs->si),
                                     .origin = origin_of(target->space, __NR_mmap, kKindMapping),
                                     .tid = (__u32)bpf_get_current_pid_tgid(),
                                     .weight = 1,
                                     .call = __NR_mmap};
  return acquire_resource(&key, &row);
}

struct unmapping {
  __u64 at;
  __u64 end;
  __u32 table;
  __u32 pad;
};

static long unmap_one(__u64 index, struct unmapping* range) {
  const struct trace_resource_key key = {
      .identity = range->at, .table = range->table, .kind = kKindMapping};
  const struct trace_resource* row = bpf_map_lookup_elem(&resources, &key);
  if (!row) return 1;
  const __u64 end = range->at + row->bytes;
  if (end <= range->end) {
    release_resource(&key);
    range->at = end;
    return end >= range->end;
  }
  /* Its head alone: what is left begins later, unless another one is known to begin there. */
  const struct trace_resource_key rest = {
      .identity = range->end, .table = range->table, .kind = kKindMapping};
  if (bpf_map_lookup_elem(&resources, &rest)) {
    release_resource(&key);
  } else {
    move_resource(&key, &rest, end - range->end);
  }
  return 1;
}

static __always_inline int on_munmap(struct pt_regs* regs, const struct trace_target* target) {
  struct unmapping range = {
      .at = regs->di, .end = regs->di + whole_pages(regs->si), .table = target->table};
  bpf_loop(kMappingsAtOnce, unmap_one, &range, 0);
  return 0;
}

static __always_inline int on_mremap(struct pt_regs* regs, const struct trace_target* target,
                                     __u64 address) {
  /* An old size of 0 makes a second mapping of the same pages. */
  if (regs->si == 0) return on_mmap(regs, target, address);
  const struct trace_resource_key from = {
      .identity = regs->di, .table = target->table, .kind = kKindMapping};
  const struct trace_resource_key to = {
      .identity = address, .table = target->table, .kind = kKindMapping};
  return move_resource(&from, &to, whole_pages(regs->dx));
}

static __always_inline bool is_mapping_call(__u64 number) {
  return number == __NR_mmap || number == __NR_munmap || number == __NR_mremap;
}

/* One of the three, that succeeded. */
static __noinline int on_mapping_call(struct pt_regs* regs, struct trace_target* target,
                                      __u64 result) {
  if (!regs || !target) return 0;
  const __u64 number = regs->orig_ax;
  if (number == __NR_mmap) return on_mmap(regs, target, result);
  if (number == __NR_munmap) return on_munmap(regs, target);
  return on_mremap(regs, target, result);
}

/* Where descriptors are traced too, their hook (trace_hooks.h) does this: a second program at the
 * exit of each system call costs 50 ns more. */
SEC("tp_btf/sys_exit")
int BPF_PROG(mapping__on_sys_exit, struct pt_regs* regs, long result) {
  if (!is_mapping_call(regs->orig_ax) || result < 0) return 0;
  struct trace_target* target = current_target();
  if (!target) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  if (task->thread_info.status & kThreadCompat) return 0;
  return on_mapping_call(regs, target, result);
}

#endif
