/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TLS in the clear in Go programs: crypto/tls.(*Conn).Write(b) and Read(b). Probes at their
 * beginnings, and where Read copies what it has to its caller, or, where that is not known, at its
 * return instructions. Registers are those of Go's own calling convention
 * since 1.17: receiver in RAX, the slice in RBX, RCX, RDI, the first result in RAX, the goroutine
 * in R14: a goroutine may come back on another thread. */
#pragma once

#include "detect/source/bpf/capture_tls.h"

struct go_read {
  __u64 conn;
  __u64 buffer;
};
/* The Read in which a goroutine is. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, __u64); /* session_key() of the goroutine */
  __type(value, struct go_read);
} go_reads SEC(".maps");

/* tls.Conn begins with its net.Conn, an interface: type, data. The data is a net.TCPConn or
 * net.UnixConn, which is a *netFD; that begins with a poll.FD: a lock of 16 bytes, then Sysfd. The
 * same from Go 1.9 to 1.26. A program may have put something of its own there: then this is no
 * socket, or another one than the bytes of this call passed over. */
static __always_inline bool find_session(__u64 conn, struct tls_session* session) {
  __u64 inner = 0, net_fd = 0;
  __s32 fd = -1;
  if (bpf_probe_read_user(&inner, sizeof(inner), (const void*)(conn + 8)) != 0 ||
      bpf_probe_read_user(&net_fd, sizeof(net_fd), (const void*)inner) != 0 ||
      bpf_probe_read_user(&fd, sizeof(fd), (const void*)(net_fd + 16)) != 0) {
    return false;
  }
  struct file* file = file_at((void*)bpf_get_current_task(), fd);
  if (!stream_of(file)) return false;
  session->inode = BPF_CORE_READ(file, f_inode, i_ino);
  session->fd = fd;
  return true;
}

static __always_inline int go_moved(__u64 conn, __u64 buffer, __u64 total, __u32 sends) {
  const __s32 group = bpf_get_current_pid_tgid() >> 32;
  if (!bpf_map_lookup_elem(&targets, &group)) return 0;
  struct move_in_clear move = {
      .buffer = buffer, .total = total, .began = bpf_ktime_get_boot_ns(), .sends = sends};
  if (!find_session(conn, &move.session)) {
    count_loss(CAPTURE_LOST_SESSIONS);
    return 0;
  }
  struct capture_socket* socket = remember(move.session.inode, CAPTURE_LATE);
  if (socket) socket->tls = conn;
  return tell_in_clear(&move);
}

SEC("uprobe")
int go_tls_write(struct user_registers* at) {
  return (__s64)at->cx > 0 ? go_moved(at->ax, at->bx, at->cx, 1) : 0;
}

SEC("uprobe")
int go_tls_read(struct user_registers* at) {
  const __u64 key = session_key(at->r14, bpf_get_current_pid_tgid() >> 32);
  const struct go_read call = {.conn = at->ax, .buffer = at->bx};
  bpf_map_update_elem(&go_reads, &key, &call, BPF_ANY);
  return 0;
}

static __always_inline int go_read_ends(struct user_registers* at, __u64 buffer, __s64 size) {
  const __u64 key = session_key(at->r14, bpf_get_current_pid_tgid() >> 32);
  const struct go_read* known = bpf_map_lookup_elem(&go_reads, &key);
  if (!known) return 0;
  const struct go_read call = *known;
  bpf_map_delete_elem(&go_reads, &key);
  return size > 0 ? go_moved(call.conn, buffer ? buffer : call.buffer, size, 0) : 0;
}

/* At a call of runtime.memmove(to, from, size). */
SEC("uprobe")
int go_tls_read_copied(struct user_registers* at) {
  return go_read_ends(at, at->bx, at->cx);
}

SEC("uprobe")
int go_tls_read_done(struct user_registers* at) {
  return go_read_ends(at, 0, at->ax);
}
