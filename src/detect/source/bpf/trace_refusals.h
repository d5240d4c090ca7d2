/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Connections that a target ended first without having read a byte of them: a server that is full
 * by its own count takes each newcomer, perhaps says so, and closes. Counted by process and local
 * port. */
#ifndef PLUMB_TRACE_REFUSALS_H
#define PLUMB_TRACE_REFUSALS_H

#include "detect/source/bpf/trace_ledger.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceRefusers);
  __type(key, struct trace_refuser);
  __type(value, __u64);
} refusals SEC(".maps");

enum { kStateEstablished = 1, kStateFinWait1 = 4, kStateClose = 7 };

/* close() leads from ESTABLISHED to FIN_WAIT1, or with bytes unread straight to CLOSE, with the
 * socket's lock taken. So does a peer's reset, but outside of that lock. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, struct sock* sk, int old_state, int state) {
  if (old_state != kStateEstablished) return 0;
  if (state != kStateFinWait1 && state != kStateClose) return 0;
  const struct tcp_sock* tcp = (const struct tcp_sock*)sk;
  if (!sk || BPF_CORE_READ(sk, sk_lock.owned) == 0) return 0;
  const __s32 pid = bpf_get_current_pid_tgid() >> 32;
  if (!bpf_map_lookup_elem(&targets, &pid)) return 0;
  /* Bytes in its queue have come and were not read. */
  const __u32 queued = BPF_CORE_READ(tcp, rcv_nxt) - BPF_CORE_READ(tcp, copied_seq);
  if (BPF_CORE_READ(tcp, bytes_received) > queued) return 0;
  /* In network order. skc_num is given back before the state is. */
  const __u16 port = BPF_CORE_READ((const struct inet_sock*)sk, inet_sport);
  const struct trace_refuser key = {.pid = pid, .port = __builtin_bswap16(port)};
  const __u64 one = 1;
  __u64* count = bpf_map_lookup_elem(&refusals, &key);
  if (count) {
    __sync_fetch_and_add(count, 1);
  } else {
    bpf_map_update_elem(&refusals, &key, &one, BPF_NOEXIST);
  }
  return 0;
}

#endif
