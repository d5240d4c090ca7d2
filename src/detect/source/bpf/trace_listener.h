/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Telling user space of a listening socket and its address, when it begins to listen or is found.
 */
#ifndef PLUMB_TRACE_LISTENER_H
#define PLUMB_TRACE_LISTENER_H

#include "detect/source/bpf/trace_ledger.h"

static __always_inline void send_listener(const struct trace_holding_key* key, struct file* file,
                                          __u32 space, struct task_struct* task) {
  struct trace_listener* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_loss(kTraceLossEvents);
    return;
  }
  fill_head(&event->head, kTraceEventListener, space);
  event->head.pid = task->tgid;
  event->head.tid = task->pid;
  event->key = *key;
  event->file = (__u64)file;
  struct socket* socket = PLUMB_READ(file, private_data);
  struct sock* sk = PLUMB_READ(socket, sk);
  event->family = PLUMB_READ(sk, __sk_common.skc_family);
  event->port = event->family == 2 || event->family == 10 ? PLUMB_READ(sk, __sk_common.skc_num) : 0;
  event->pad = 0;
  __builtin_memset(event->address, 0, sizeof(event->address));
  if (event->family == 2) {
    const __u32 address = PLUMB_READ(sk, __sk_common.skc_rcv_saddr);
    __builtin_memcpy(event->address, &address, 4);
  } else if (event->family == 10) {
    BPF_CORE_READ_INTO(&event->address, sk, __sk_common.skc_v6_rcv_saddr);
  }
  bpf_ringbuf_submit(event, 0);
}

#endif
