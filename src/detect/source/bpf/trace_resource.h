/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The ledger of everything that is no descriptor: one map for all kinds, with the same origins,
 * counters and tables as the descriptors' ledger. A kind is a file kind_NAME.h whose programs are
 * called NAME__…: user space loads them where the kind is asked for. They call acquire_resource(),
 * release_resource() and move_resource(), and nothing else of a kind is known here. */
#ifndef PLUMB_TRACE_RESOURCE_H
#define PLUMB_TRACE_RESOURCE_H

#include "detect/source/bpf/trace_ledger.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 20); /* user space may choose another number before loading */
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct trace_resource_key);
  __type(value, struct trace_resource);
} resources SEC(".maps");

static __always_inline void count_acquired(const struct trace_resource* row) {
  const __u32 origin = row->origin;
  struct trace_count* count = bpf_map_lookup_elem(&counts, &origin);
  if (!count) return;
  __sync_fetch_and_add(&count->created, row->weight);
  if (row->bytes != 0) __sync_fetch_and_add(&count->created_bytes, row->bytes);
}

static __always_inline void count_released(const struct trace_resource* row) {
  const __u32 origin = row->origin;
  struct trace_count* count = bpf_map_lookup_elem(&counts, &origin);
  if (!count) return;
  __sync_fetch_and_add(&count->closed, row->weight);
  if (row->bytes != 0) __sync_fetch_and_add(&count->closed_bytes, row->bytes);
}

/* Whatever stood under the key was released unseen and counts as closed. */
__noinline int acquire_resource(const struct trace_resource_key* key,
                                const struct trace_resource* row) {
  if (!key || !row) return 0;
  const struct trace_resource_key at = *key;
  struct trace_resource fresh = *row;
  const struct trace_resource* old = bpf_map_lookup_elem(&resources, &at);
  if (old) count_released(old);
  if (fresh.born == 0) fresh.born = bpf_ktime_get_boot_ns();
  if (bpf_map_update_elem(&resources, &at, &fresh, BPF_ANY) != 0) {
    count_loss(kTraceLossHoldings);
    return 0;
  }
  count_acquired(&fresh);
  return 0;
}

/* Returns 1 where the key was known. */
__noinline int release_resource(const struct trace_resource_key* key) {
  if (!key) return 0;
  const struct trace_resource_key at = *key;
  const struct trace_resource* known = bpf_map_lookup_elem(&resources, &at);
  if (!known) return 0;
  const struct trace_resource row = *known;
  if (bpf_map_delete_elem(&resources, &at) != 0) return 0; /* another thread was first */
  count_released(&row);
  return 1;
}

/* The same resource under another name or with another size; it keeps its origin and its age. */
__noinline int move_resource(const struct trace_resource_key* from,
                             const struct trace_resource_key* to, __u64 bytes) {
  if (!from || !to) return 0;
  const struct trace_resource_key old = *from;
  const struct trace_resource_key at = *to;
  const struct trace_resource* known = bpf_map_lookup_elem(&resources, &old);
  if (!known) return 0;
  struct trace_resource row = *known;
  const __u64 before = row.bytes;
  if (bpf_map_delete_elem(&resources, &old) != 0) return 0;
  row.bytes = bytes;
  if (bpf_map_update_elem(&resources, &at, &row, BPF_ANY) != 0) count_loss(kTraceLossHoldings);
  const __u32 origin = row.origin;
  struct trace_count* count = bpf_map_lookup_elem(&counts, &origin);
  if (!count) return 0;
  if (bytes > before) __sync_fetch_and_add(&count->created_bytes, bytes - before);
  if (bytes < before) __sync_fetch_and_add(&count->closed_bytes, before - bytes);
  return 0;
}

/* Puts one row right if it is still the one that user space looked at. Returns 1 if it did. */
SEC("syscall")
int trim(struct trace_trim* what) {
  const struct trace_resource_key key = what->key;
  const struct trace_resource* found = bpf_map_lookup_elem(&resources, &key);
  if (!found || found->born != what->born) return 0;
  if (what->forget) return release_resource(&key);
  move_resource(&key, &key, what->bytes);
  return 1;
}

#endif
