/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which socket carries which session of a TLS library. */
#pragma once

#include "detect/source/bpf/capture_core.h"

/* Set while a TLS library is looked into. */
__u32 tls_armed __attribute__((aligned(64))) = 0;

struct tls_call {
  __u64 session;
  __u64 buffer;
  __u64 moved; /* where an _ex form puts how many bytes it moved; 0 for the others */
  __u64 began;
  __u32 sends;
  __u32 padding;
};
/* The call of a TLS library in which a thread is. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, __u64); /* process and thread */
  __type(value, struct tls_call);
} tls_calls SEC(".maps");

struct tls_session {
  __u64 inode;
  __s32 fd;
  __u32 padding;
};
/* The socket that carries a session. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPTURE_SOCKETS / 4);
  __type(key, __u64); /* session_key() */
  __type(value, struct tls_session);
} tls_sessions SEC(".maps");
/* The socket on which a thread last received what is no HTTP. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, __u64);
  __type(value, struct tls_session);
} last_received SEC(".maps");

static __always_inline __u64 session_key(__u64 session, __s32 group) {
  return session << 17 ^ (__u32)group; /* addresses of user space have 47 bits, pids 22 */
}

static __always_inline void bind_session(__u64 session, __s32 group, __u64 inode, __s32 fd) {
  const __u64 key = session_key(session, group);
  const struct tls_session bound = {.inode = inode, .fd = fd};
  bpf_map_update_elem(&tls_sessions, &key, &bound, BPF_ANY);
  struct capture_socket* socket = remember(inode, CAPTURE_LATE);
  if (socket) socket->tls = session;
}

/* Whether the bytes are what TLS made of something else: those of a known session, or those that a
 * TLS library moves inside of a call, which tells the session's socket. */
static __noinline int is_of_tls(struct capture_socket* socket, __u64 inode, __s32 fd, __u32 sends) {
  if (!socket) return 0;
  const __u64 thread = bpf_get_current_pid_tgid();
  if (!(socket->bits & CAPTURE_HTTP) && !sends) {
    const struct tls_session last = {.inode = inode, .fd = fd};
    bpf_map_update_elem(&last_received, &thread, &last, BPF_ANY);
  }
  if (socket->tls) return 1;
  const struct tls_call* call = bpf_map_lookup_elem(&tls_calls, &thread);
  if (!call) return 0;
  bind_session(call->session, thread >> 32, inode, fd);
  return 1;
}
