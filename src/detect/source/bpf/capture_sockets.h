/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The hooks of a kernel that tells what its sockets move: sock_send_length and sock_recv_length
 * (6e6eda44b939, Linux 6.3), and inet_sock_set_state for their ends. No other system call is
 * slowed. Where the bytes are stands in the registers with which the thread came into the kernel;
 * how many passed unseen, in TCP's own counts. */
#pragma once

#include "detect/source/bpf/capture_place.h"
#include "detect/source/bpf/capture_session.h"

#define kErrorQueue 0x2000 /* MSG_ERRQUEUE */
#define kReceiveShutdown 1
#define kBothShutdown 3

/* A unix socket carries HTTP: no hook here tells of its end. */
__u32 unix_http = 0;

/* The inode number of a socket, until it is gone: its file goes first. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} carried SEC(".maps");

struct move {
  __u32 size;
  __u32 sends;
};

/* What is known of the socket. Of one that was not met before: whether bytes of it passed by. */
static __always_inline struct capture_socket* meet(struct sock* sk, const struct tcp_sock* tcp,
                                                   __u64 inode, const struct move* move) {
  struct capture_socket* known = bpf_map_lookup_elem(&sockets, &inode);
  if (known && !(tcp && (known->bits & CAPTURE_LISTED))) return known;
  struct capture_socket fresh = {};
  if (tcp) {
    const __u32 received = move->sends ? 0 : move->size, sent = move->sends ? move->size : 0;
    const __u64 in = tcp->bytes_received - (__u32)(tcp->rcv_nxt - tcp->copied_seq);
    const __u64 out = tcp->bytes_acked + (__u32)(tcp->write_seq - tcp->snd_una);
    /* A FIN and a SYN are counted like a byte. */
    if (in > (__u64)received + 1 || out > (__u64)sent + 1) fresh.bits = CAPTURE_LATE;
    fresh.place[0] = tcp->copied_seq - received;
    fresh.place[1] = tcp->write_seq - sent;
    bpf_sk_storage_get(&carried, sk, &inode, BPF_SK_STORAGE_GET_F_CREATE);
  }
  if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_SOCKETS);
    return 0;
  }
  return bpf_map_lookup_elem(&sockets, &inode);
}

/* Where this call's bytes are; nowhere where that cannot be told. */
static __always_inline struct place place_in_call(struct task_struct* task,
                                                  const struct pt_regs* regs, __s32* fd) {
  struct place place = {};
  const __u32 class = class_of(regs->orig_ax);
  *fd = -1;
  if (!is_native(task) || (task->flags & kTaskOfKernel) || class == kCallNone) {
    count_loss(CAPTURE_UNREADABLE);
    return place;
  }
  *fd = regs->di;
  switch (class & ~kCallSends) {
    case kCallBuffer:
      place.base = regs->si;
      break;
    case kCallVectors:
      place.vectors = regs->si;
      place.count = regs->dx;
      break;
    case kCallMessage:
      place = place_of_message(regs->si);
      break;
    case kCallMessages:
      /* Which of several it is shows nowhere. */
      if (regs->dx == 1) place = place_of_message(regs->si);
      break;
    default:
      break;
  }
  if (regs->orig_ax == __NR_splice && (class & kCallSends)) *fd = regs->dx;
  return place;
}

/* An end, told of at once. Not in the processor's scratch: the kernel may be in an interrupt that
 * came upon another of these programs. */
static __noinline int say(struct sock* sk, struct capture_socket* socket, __u64 inode, __u32 what) {
  if (!socket || !sk || !(socket->bits & CAPTURE_HTTP)) return 0;
  struct capture_event event = {.time = bpf_ktime_get_boot_ns(),
                                .socket = inode,
                                .pid = socket->pid,
                                .fd = socket->fd,
                                .what = what};
  event.bits = (socket->bits & 0xff) | (what == CAPTURE_PEER_ENDED ? 0 : CAPTURE_SENT);
  fill_socket(&event, sk);
  if (bpf_ringbuf_output(&events, &event, sizeof(event), 0) != 0) count_loss(CAPTURE_LOST_EVENTS);
  return 0;
}

/* Counts what passed by unseen since the last call, and gives the time of this one. */
static __always_inline __u64 follow_counts(struct capture_socket* socket, const struct sock* sk,
                                           const struct tcp_sock* tcp, const struct move* move,
                                           __u64 now) {
  const __u32 way = move->sends ? 1 : 0;
  const __u32 written = tcp->write_seq;
  const __u32 place = way ? written : tcp->copied_seq;
  __u32 missed = place - move->size - socket->place[way];
  if (!way && missed == 1 && (sk->sk_shutdown & kReceiveShutdown)) missed = 0; /* the FIN */
  if ((__s32)missed > 0 && !socket->tls) __sync_fetch_and_add(&socket->lost[way], missed);
  socket->place[way] = place;
  if (!way) {
    if (socket->answered_at != written) {
      socket->answered_at = written;
      socket->answered = now;
    }
    return now;
  }
  /* Another thread read the answer before this one came back from asking. */
  const __u32 behind = socket->answered_at - (written - move->size);
  if (socket->answered != 0 && behind - 1 < move->size) return socket->answered - 1;
  return now;
}

static __noinline int on_move(struct sock* sk, int result, int flags, __u32 sends) {
  /* Nothing to read, for now: half of the calls of an event loop. */
  if (!sk || result == -11 || sk->sk_type != kStream) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  const __u64* kept = bpf_sk_storage_get(&carried, sk, 0, 0);
  if (!kept && !is_target(task)) return 0;
  __u64 inode = kept ? *kept : 0;
  asm volatile("" : "+r"(inode)); /* one pointer for each load: the verifier wants it so */
  const __u16 family = sk->__sk_common.skc_family;
  if (family != kFamilyInet && family != kFamilyInet6 && family != kFamilyUnix) return 0;
  if (!sends && (flags & (kPeek | kErrorQueue))) return 0;
  if (inode == 0) inode = sk->sk_socket->file->f_inode->i_ino;
  if (inode == 0) return 0;
  const struct pt_regs* regs = (const void*)bpf_task_pt_regs(task);
  if (result <= 0) {
    /* EOF or ECONNRESET. Not for a read of no bytes. */
    const bool none_asked = regs->orig_ax == __NR_recvfrom && regs->dx == 0;
    if (sends || (result != -104 && (result != 0 || none_asked))) return 0;
    struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
    return say(sk, socket, inode, CAPTURE_PEER_ENDED);
  }
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
  const struct move move = {.size = result, .sends = sends};
  struct capture_socket* socket = meet(sk, tcp, inode, &move);
  if (!socket) return 0;
  __s32 fd = -1;
  struct place place = place_in_call(task, regs, &fd);
  socket->pid = task->tgid;
  socket->fd = fd;
  const bool ciphered = tls_armed && is_of_tls(socket, inode, fd, sends);
  __u64 when = bpf_ktime_get_boot_ns();
  if (tcp) when = follow_counts(socket, sk, tcp, &move, when);
  if (ciphered) return 0;
  if (socket->bits & CAPTURE_SKIPPED) {
    const struct capture_event event = {
        .time = when,
        .socket = inode,
        .total = result,
        .pid = task->tgid,
        .fd = fd,
        .bits = (socket->bits & CAPTURE_LATE) | (sends ? CAPTURE_SENT : 0)};
    if (pass_over(&event, sk, socket, &place)) return 0;
  }
  struct piece* piece = piece_at(when, inode, fd);
  if (!piece) return 0;
  piece->event.what = CAPTURE_DATA;
  piece->event.total = result;
  pass_on(piece, sk, &place, socket, sends ? CAPTURE_SENT : 0);
  if (!tcp) {
    if (socket->bits & CAPTURE_HTTP) {
      if (!unix_http) unix_http = 1;
    } else if (!(socket->bits & CAPTURE_LATE)) {
      bpf_map_delete_elem(&sockets, &inode);
    }
  }
  return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock* sk, int result, int flags) {
  return on_move(sk, result, flags, 1);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock* sk, int result, int flags) {
  return on_move(sk, result, flags, 0);
}

/* What was moved since the last call of the two above: by splice, which takes bytes out of a socket
 * and is told of by nothing. One look over all connections. */
SEC("iter/tcp")
int look_over(struct bpf_iter__tcp* ctx) {
  struct sock_common* common = ctx->sk_common;
  if (!common) return 0;
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(common);
  if (!tcp) return 0;
  const struct sock* sk = (const struct sock*)common;
  const __u64 inode = BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket || socket->tls) return 0;
  const __u32 read = tcp->copied_seq - socket->place[0];
  const __u32 written = tcp->write_seq - socket->place[1];
  /* A FIN is counted like a byte. */
  if ((__s32)read > 1) __sync_fetch_and_add(&socket->lost[0], read);
  if ((__s32)written > 1) __sync_fetch_and_add(&socket->lost[1], written);
  socket->place[0] = tcp->copied_seq;
  socket->place[1] = tcp->write_seq;
  return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock* sk, int before, int after) {
  if (after != kStateFinWait1 && after != kStateLastAck && after != kStateClose) return 0;
  const __u64* kept = bpf_sk_storage_get(&carried, sk, 0, 0);
  if (!kept) return 0;
  const __u64 inode = *kept;
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket) return 0;
  if (after == kStateClose) {
    /* By the other side, and what came before may still be read: the reads tell. */
    const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
    const bool read_out = !tcp || tcp->copied_seq == tcp->rcv_nxt;
    if (sk->sk_shutdown != kBothShutdown && sk->sk_socket && !read_out) return 0;
  } else {
    const struct pt_regs* regs = (const void*)bpf_task_pt_regs(bpf_get_current_task_btf());
    if (regs->orig_ax == __NR_shutdown && regs->si != 2) {
      return say(sk, socket, inode, CAPTURE_SHUT);
    }
  }
  say(sk, socket, inode, CAPTURE_CLOSED);
  bpf_map_delete_elem(&sockets, &inode);
  bpf_map_delete_elem(&recorders, &inode);
  return 0;
}
