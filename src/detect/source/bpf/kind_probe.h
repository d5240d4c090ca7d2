/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Kinds that a program tells of itself, by the USDT probes plumb:acquire and plumb:release with the
 * arguments kind (text) and identity. Each text becomes a kind, in the order of its first coming.
 */
#ifndef PLUMB_KIND_PROBE_H
#define PLUMB_KIND_PROBE_H

#include <bpf/usdt.bpf.h>

#include "detect/source/bpf/trace_uprobe.h"

struct probe_name {
  char text[kTraceProbeName];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTracePairs);
  __type(key, struct probe_name);
  __type(value, __u32); /* the kind */
} probe_kinds SEC(".maps");

__u32 next_probe_kind = kKindProbe;

/* 0 where there is no room for another. */
static __always_inline __u32 probe_kind(__u64 text) {
  struct probe_name name = {};
  if (bpf_probe_read_user_str(name.text, sizeof(name.text), (const void*)text) <= 1) return 0;
  const __u32* known = bpf_map_lookup_elem(&probe_kinds, &name);
  if (known) return *known;
  if (next_probe_kind >= kKindProbe + kTracePairs) return 0;
  const __u32 kind = __sync_fetch_and_add(&next_probe_kind, 1);
  if (kind >= kKindProbe + kTracePairs) return 0;
  if (bpf_map_update_elem(&probe_kinds, &name, &kind, BPF_NOEXIST) == 0) return kind;
  known = bpf_map_lookup_elem(&probe_kinds, &name);
  return known ? *known : 0;
}

static __always_inline bool probe_key(struct pt_regs* at, const struct trace_target* target,
                                      struct trace_resource_key* key) {
  long text = 0;
  long identity = 0;
  if (bpf_usdt_arg(at, 0, &text) != 0 || bpf_usdt_arg(at, 1, &identity) != 0) return false;
  key->identity = identity;
  key->table = target->table;
  key->kind = probe_kind(text);
  if (key->kind == 0) count_loss(kTraceLossHoldings);
  return key->kind != 0;
}

SEC("usdt")
int probe__acquired(struct pt_regs* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  struct trace_resource_key key = {};
  if (probe_key(at, target, &key)) {
    const struct trace_resource row = {.origin = origin_of(target->space, 0xffff, key.kind),
                                       .tid = (__u32)bpf_get_current_pid_tgid(),
                                       .weight = 1,
                                       .call = 0xffff};
    acquire_resource(&key, &row);
  }
  release_desk();
  return 0;
}

SEC("usdt")
int probe__released(struct pt_regs* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  struct trace_resource_key key = {};
  if (probe_key(at, target, &key)) release_resource(&key);
  release_desk();
  return 0;
}

#endif
