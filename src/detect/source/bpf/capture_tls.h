/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TLS in the clear: what a library is given to send, and what it gave. OpenSSL's SSL_read and
 * SSL_write with their _ex forms, GnuTLS's gnutls_record_recv and _send have the same shape:
 * session, buffer, size. Which socket a session is on shows by itself: the library moves bytes over
 * it inside of the call; a program that moves them by itself reads them just before. */
#pragma once

#include "detect/source/bpf/capture_calls.h"

static __always_inline int tls_entered(__u64 session, __u64 buffer, __u64 moved_at, __u32 sends) {
  const __s32 group = bpf_get_current_pid_tgid() >> 32;
  if (!bpf_map_lookup_elem(&targets, &group)) return 0;
  const __u64 thread = bpf_get_current_pid_tgid();
  const struct tls_call call = {.session = session,
                                .buffer = buffer,
                                .moved = moved_at,
                                .began = bpf_ktime_get_boot_ns(),
                                .sends = sends};
  bpf_map_update_elem(&tls_calls, &thread, &call, BPF_ANY);
  const __u64 key = session_key(session, group);
  if (bpf_map_lookup_elem(&tls_sessions, &key)) return 0;
  /* Not known yet: whatever this thread received last, if it is no HTTP by itself. */
  const struct tls_session* last = bpf_map_lookup_elem(&last_received, &thread);
  if (last) bind_session(session, group, last->inode, last->fd);
  return 0;
}

struct move_in_clear {
  struct tls_session session;
  __u64 buffer;
  __u64 total;
  __u64 began;
  __u32 sends;
};

static __noinline int tell_in_clear(const struct move_in_clear* move) {
  if (!move) return 0;
  struct task_struct* task = (void*)bpf_get_current_task();
  struct file* file = file_at(task, move->session.fd);
  struct sock* sk = stream_of(file);
  if (!sk || BPF_CORE_READ(file, f_inode, i_ino) != move->session.inode) return 0;
  struct capture_socket* socket = remember(move->session.inode, CAPTURE_LATE);
  struct piece* piece = piece_for(move->session.inode, move->session.fd);
  const __s32 group = bpf_get_current_pid_tgid() >> 32;
  const __u64* since = bpf_map_lookup_elem(&targets, &group);
  if (!piece || !socket || !since) return 0;
  if (socket->met < *since) socket->bits |= CAPTURE_LATE;
  struct place place = {.base = move->buffer};
  piece->event.what = CAPTURE_DATA;
  piece->event.total = move->total;
  if (move->sends) piece->event.time = move->began;
  piece->event.bits = CAPTURE_TLS | (move->sends ? CAPTURE_SENT : 0);
  pass_on(piece, sk, &place, socket, 0);
  return 0;
}

static __always_inline int tls_returned(__s64 result) {
  const __u64 thread = bpf_get_current_pid_tgid();
  const __s32 group = thread >> 32;
  const struct tls_call* known = bpf_map_lookup_elem(&tls_calls, &thread);
  if (!known) return 0;
  const struct tls_call call = *known;
  bpf_map_delete_elem(&tls_calls, &thread);
  __u64 total = 0;
  if (call.moved) {
    if ((__s32)result == 1) {
      bpf_probe_read_user(&total, sizeof(total), (const void*)call.moved);
    }
  } else if ((__s32)result > 0) {
    total = (__u32)result;
  }
  if (total == 0) return 0;
  const __u64 key = session_key(call.session, group);
  const struct tls_session* session = bpf_map_lookup_elem(&tls_sessions, &key);
  if (!session) {
    count_loss(CAPTURE_LOST_SESSIONS);
    return 0;
  }
  struct move_in_clear move = {.session = *session,
                               .buffer = call.buffer,
                               .total = total,
                               .began = call.began,
                               .sends = call.sends};
  return tell_in_clear(&move);
}

/* What a uprobe is given: registers in the order of the user ABI, which does not change. */
struct user_registers {
  __u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags,
      sp, ss;
};

SEC("uprobe")
int tls_write(struct user_registers* at) {
  return tls_entered(at->di, at->si, 0, 1);
}
SEC("uprobe")
int tls_read(struct user_registers* at) {
  return tls_entered(at->di, at->si, 0, 0);
}
SEC("uprobe")
int tls_write_ex(struct user_registers* at) {
  return tls_entered(at->di, at->si, at->cx, 1);
}
/* The function under SSL_write: since OpenSSL 3.3 there are flags before the last argument. */
SEC("uprobe")
int tls_write_inside(struct user_registers* at) {
  const __u64 no_address = 0x10000; /* the kernel maps nothing below that */
  return tls_entered(at->di, at->si, at->cx < no_address ? at->r8 : at->cx, 1);
}
SEC("uprobe")
int tls_read_ex(struct user_registers* at) {
  return tls_entered(at->di, at->si, at->cx, 0);
}
/* The function under gnutls_record_recv: there is a content type before the buffer. */
SEC("uprobe")
int tls_read_record(struct user_registers* at) {
  const __u32 application_data = 23;
  return (__u32)at->si == application_data ? tls_entered(at->di, at->dx, 0, 0) : 0;
}
SEC("uretprobe")
int tls_done(struct user_registers* at) {
  return tls_returned(at->ax);
}
/* SSL_free, gnutls_deinit: the address will be another session's. */
SEC("uprobe")
int tls_freed(struct user_registers* at) {
  const __s32 group = bpf_get_current_pid_tgid() >> 32;
  const __u64 key = session_key(at->di, group);
  bpf_map_delete_elem(&tls_sessions, &key);
  return 0;
}
