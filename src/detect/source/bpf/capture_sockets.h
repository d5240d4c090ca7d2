/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The hooks of a kernel that tells what its sockets move: sock_send_length and sock_recv_length
 * (6e6eda44b939, Linux 6.3), and inet_sock_set_state for their ends. No other system call is
 * slowed. Where the bytes are stands in the registers with which the thread came into the kernel;
 * how many passed unseen, in TCP's own counts. */
#pragma once

#include "detect/source/bpf/capture_over.h"
#include "detect/source/bpf/capture_ring_request.h"
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

/* Of TCP in the clear: with the socket itself, so that a call costs no look into a table. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct capture_passing);
} passing SEC(".maps");

struct move {
  __u32 size;
  __u32 sends;
  __u32 ringed; /* by io_uring, and its completion will tell where the bytes are */
};

/* What is known of the socket. Of one that was not met before: whether bytes of it passed by. */
static __always_inline struct capture_socket* meet(struct sock* sk, const struct tcp_sock* tcp,
                                                   __u64 inode, const struct move* move) {
  struct capture_socket* known = bpf_map_lookup_elem(&sockets, &inode);
  if (known && !(tcp && (known->bits & CAPTURE_LISTED))) return known;
  struct capture_socket fresh = {.met = known ? 0 : bpf_ktime_get_boot_ns(), .fd = -1};
  if (tcp) {
    const __u32 received = move->sends ? 0 : move->size, sent = move->sends ? move->size : 0;
    const __u64 in = tcp->bytes_received - (__u32)(tcp->rcv_nxt - tcp->copied_seq);
    const __u64 out = tcp->bytes_acked + (__u32)(tcp->write_seq - tcp->snd_una);
    /* A FIN and a SYN are counted like a byte. */
    if (in > (__u64)received + 1 || out > (__u64)sent + 1) fresh.bits = CAPTURE_LATE;
    fresh.counts.place[0] = tcp->copied_seq - received;
    fresh.counts.place[1] = tcp->write_seq - sent;
    bpf_sk_storage_get(&carried, sk, &inode, BPF_SK_STORAGE_GET_F_CREATE);
  }
  if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_SOCKETS);
    return 0;
  }
  return bpf_map_lookup_elem(&sockets, &inode);
}

/* Whether the thread is in a system call of its own: the registers are those that it came with.
 * What io_uring does is done in a call of io_uring, by threads of the kernel, or on the way out of
 * any call, whose result is there then. */
static __always_inline bool is_in_own_call(const struct task_struct* task,
                                           const struct pt_regs* regs) {
  return !(task->flags & kTaskOfKernel) && (long)regs->ax == kNoResultYet;
}

/* Where this call's bytes are; nowhere where that cannot be told. */
static __always_inline struct place place_in_call(struct task_struct* task,
                                                  const struct pt_regs* regs, __s32* fd) {
  struct place place = {};
  const __u32 class = class_of(regs->orig_ax);
  *fd = -1;
  if (!is_native(task) || !is_in_own_call(task, regs) || class == kCallNone) {
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

/* Counts what passed by unseen since the last call. */
static __always_inline __u32 count_missed(struct capture_counts* counts, const struct sock* sk,
                                          const struct tcp_sock* tcp, const struct move* move) {
  const __u32 way = move->sends ? 1 : 0;
  const __u32 place = way ? tcp->write_seq : tcp->copied_seq;
  __u32 missed = place - move->size - counts->place[way];
  if (!way && missed == 1 && (sk->sk_shutdown & kReceiveShutdown)) missed = 0; /* the FIN */
  counts->place[way] = place;
  return (__s32)missed > 0 ? missed : 0;
}

/* The time of this call, given that it is over now. */
static __always_inline __u64 time_of(struct capture_counts* counts, const struct tcp_sock* tcp,
                                     const struct move* move, __u64 now) {
  const __u32 written = tcp->write_seq;
  if (!move->sends) {
    if (counts->answered_at != written) {
      counts->answered_at = written;
      counts->answered = now;
    }
    return now;
  }
  /* Another thread read the answer before this one came back from asking. */
  const __u32 behind = counts->answered_at - (written - move->size);
  if (counts->answered != 0 && behind - 1 < move->size) return counts->answered - 1;
  return now;
}

/* A call on a socket that is passed over. False where it is to be looked at all the same. */
static __noinline int passes_by(struct sock* sk, struct task_struct* task,
                                const struct pt_regs* regs, struct capture_passing* own,
                                const struct move* move) {
  if (!sk || !task || !regs || !own || !move) return 0;
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp) return 0;
  struct passed passed = {.total = move->size, .pid = task->tgid};
  const struct place place = place_in_call(task, regs, &passed.fd);
  const __u32 way = move->sends & 1;
  const __u32 missed = count_missed(&own->counts, sk, tcp, move);
  own->lost[way] += missed;
  own->recorder.way[way].event.total += missed;
  const struct capture_recorded* ways = own->recorder.way;
  const __u64 received = ways[0].event.time, sent = ways[1].event.time;
  passed.time = time_of(&own->counts, tcp, move, about_now(received > sent ? received : sent));
  passed.bits = (own->bits & CAPTURE_LATE) | (way ? CAPTURE_SENT : 0);
  if (pass_over(own, &passed, &place)) return 1;
  own->counts.place[way] -= move->size; /* it will be counted again */
  return 0;
}

/* Back from being passed over. */
static __noinline int look_again(struct capture_passing* own, struct capture_socket* socket) {
  if (!own || !socket) return 0;
  own->passes = 0;
  socket->counts = own->counts;
  socket->bits &= ~CAPTURE_SPOKE;
  socket->bits |= own->bits & CAPTURE_SPOKE;
  for (__u32 way = 0; way < 2; ++way) {
    __sync_fetch_and_add(&socket->lost[way], own->lost[way]);
    own->lost[way] = 0;
  }
  return 0;
}

/* The recorder of a TCP socket that may be passed over from this call on. */
static __always_inline struct capture_passing* ready_to_pass(struct sock* sk, __u64 inode,
                                                             const struct capture_socket* socket,
                                                             __u64 now) {
  const struct capture_budget* budget = budget_at(now);
  const bool begins = budget && budget->left == 0 && !(socket->bits & CAPTURE_OTHER);
  if (!begins && !(socket->bits & CAPTURE_SKIPPED)) return 0;
  struct capture_passing* own = bpf_sk_storage_get(&passing, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (own && own->recorder.way[0].event.socket == 0) begin_recorder(&own->recorder, inode, sk);
  return own;
}

static __noinline int begin_passing(struct capture_passing* own,
                                    const struct capture_socket* socket) {
  if (!own || !socket) return 0;
  own->counts = socket->counts;
  own->bits = socket->bits;
  own->passes = 1;
  return 0;
}

/* Counted, and lost unless io_uring tells where they are, now (true) or with its completion. */
static __noinline int ring_moved(struct capture_socket* socket, struct sock* sk, __u64 inode,
                                 const struct move* move) {
  if (!socket || !sk || !move) return 0;
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
  __u64 when = bpf_ktime_get_boot_ns();
  if (tcp) {
    count_missed(&socket->counts, sk, tcp, move);
    when = time_of(&socket->counts, tcp, move, when);
  }
  if (move->sends) socket->ringed = when;
  struct place place = {};
  if (!socket->tls && place_of_quiet(sk, move->sends, &place)) {
    struct piece* piece = piece_at(when, inode, socket->fd);
    if (!piece) return 0;
    piece->event.what = CAPTURE_DATA;
    piece->event.total = move->size;
    piece->event.bits = move->sends ? CAPTURE_SENT : 0;
    pass_on(piece, sk, &place, socket, 0);
    return 1;
  }
  count_loss(CAPTURE_UNREADABLE);
  if (!socket->tls) __sync_fetch_and_add(&socket->lost[move->sends & 1], move->size);
  if (!move->sends) {
    const __u64 thread = bpf_get_current_pid_tgid();
    const struct ring_move last = {.inode = inode, .size = move->size};
    bpf_map_update_elem(&ring_moves, &thread, &last, BPF_ANY);
  }
  return 0;
}

/* One call that moved bytes, on a socket that is looked at. */
static __noinline int look_at(struct sock* sk, struct task_struct* task, __u64 inode,
                              const struct move* move) {
  if (!sk || !task || !move) return 0;
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
  struct capture_socket* socket = meet(sk, tcp, inode, move);
  if (!socket) return 0;
  struct capture_passing* passed = tcp ? bpf_sk_storage_get(&passing, sk, 0, 0) : 0;
  if (passed && passed->passes) look_again(passed, socket);
  socket->pid = task->tgid;
  if (move->ringed) return ring_moved(socket, sk, inode, move);
  __s32 fd = -1;
  struct place place = place_in_call(task, (const void*)bpf_task_pt_regs(task), &fd);
  socket->fd = fd;
  const bool ciphered = tls_armed && is_of_tls(socket, inode, fd, move->sends);
  __u64 when = bpf_ktime_get_boot_ns();
  if (tcp) {
    const __u32 missed = count_missed(&socket->counts, sk, tcp, move);
    if (missed && !socket->tls) __sync_fetch_and_add(&socket->lost[move->sends & 1], missed);
    when = time_of(&socket->counts, tcp, move, when);
  }
  if (ciphered) return 0;
  struct capture_passing* own = tcp ? ready_to_pass(sk, inode, socket, when) : 0;
  struct piece* piece = piece_at(when, inode, fd);
  if (!piece) return 0;
  piece->event.what = CAPTURE_DATA;
  piece->event.total = move->size;
  piece->event.bits = move->sends ? CAPTURE_SENT : 0;
  pass_on(piece, sk, &place, socket, own ? &own->recorder : 0);
  if (own && (socket->bits & CAPTURE_SKIPPED)) begin_passing(own, socket);
  if (!tcp) {
    if (socket->bits & CAPTURE_HTTP) {
      if (!unix_http) unix_http = 1;
    } else if (!(socket->bits & CAPTURE_LATE)) {
      bpf_map_delete_elem(&sockets, &inode);
    }
  }
  return 0;
}

static __noinline int on_move(struct sock* sk, int result, int flags, __u32 sends) {
  /* Nothing to read, for now: half of the calls of an event loop. */
  if (!sk || result == -11) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  if (!is_followed(task) || sk->sk_type != kStream) return 0;
  if (!sends && (flags & (kPeek | kErrorQueue))) return 0;
  const struct pt_regs* regs = (const void*)bpf_task_pt_regs(task);
  const bool ringed =
      rings_tell && (regs->orig_ax == __NR_io_uring_enter || !is_in_own_call(task, regs));
  const struct move move = {.size = result, .sends = sends, .ringed = ringed};
  struct capture_passing* own = bpf_sk_storage_get(&passing, sk, 0, 0);
  if (own && own->passes && result > 0 && !ringed && passes_by(sk, task, regs, own, &move)) {
    return 0;
  }
  const __u16 family = sk->__sk_common.skc_family;
  if (family != kFamilyInet && family != kFamilyInet6 && family != kFamilyUnix) return 0;
  const __u64* kept = bpf_sk_storage_get(&carried, sk, 0, 0);
  __u64 inode = kept ? *kept : 0;
  asm volatile("" : "+r"(inode)); /* one pointer for each load: the verifier wants it so */
  if (inode == 0) inode = sk->sk_socket->file->f_inode->i_ino;
  if (inode == 0) return 0;
  if (result > 0) return look_at(sk, task, inode, &move);
  /* EOF or ECONNRESET. Not for a read of no bytes. */
  const bool none_asked = regs->orig_ax == __NR_recvfrom && regs->dx == 0;
  if (sends || (result != -104 && (result != 0 || none_asked))) return 0;
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  return say(sk, socket, inode, CAPTURE_PEER_ENDED);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock* sk, int result, int flags) {
  return on_move(sk, result, flags, 1);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock* sk, int result, int flags) {
  return on_move(sk, result, flags, 0);
}

/* Takes a connection out of those that are passed over, for its recorder was handed out: what comes
 * on it from now on is looked at. */
static __noinline int take_out(struct capture_passing* own, struct capture_socket* socket) {
  if (!own || !socket) return 0;
  look_again(own, socket);
  handed_out(socket);
  return 0;
}

/* One look over all connections: what was moved since the last call of the two above, by splice,
 * which takes bytes out of a socket and is told of by nothing; and those that stall. */
__u32 last_look = 0;

SEC("iter/bpf_sk_storage_map")
int look_over(struct bpf_iter__bpf_sk_storage_map* ctx) {
  struct sock* sk = ctx->sk;
  const __u64* kept = ctx->value;
  if (!sk || !kept) return 0;
  const __u64 inode = *kept;
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  const struct tcp_sock* tcp = bpf_skc_to_tcp_sock(sk);
  if (!socket || !tcp || socket->tls) return 0;
  struct capture_passing* own = bpf_sk_storage_get(&passing, sk, 0, 0);
  if (own && !own->passes) own = 0;
  /* Of a connection in use a part may be moved and not yet told of: not before the end. */
  const bool handed = own && may_hand_out(&own->recorder);
  if (!handed && !last_look) return 0;
  struct capture_counts* counts = own ? &own->counts : &socket->counts;
  const __u32 moved[2] = {tcp->copied_seq - counts->place[0], tcp->write_seq - counts->place[1]};
  counts->place[0] = tcp->copied_seq;
  counts->place[1] = tcp->write_seq;
  for (__u32 way = 0; way < 2; ++way) {
    if ((__s32)moved[way] <= 1) continue; /* a FIN is counted like a byte */
    __sync_fetch_and_add(&socket->lost[way], moved[way]);
    if (own) own->recorder.way[way].event.total += moved[way];
  }
  if (own && handed && bpf_seq_write(ctx->meta->seq, &own->recorder, sizeof(own->recorder)) == 0) {
    take_out(own, socket);
  }
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
  struct capture_passing* own = bpf_sk_storage_get(&passing, sk, 0, 0);
  if (own) own->passes = 0;
  say(sk, socket, inode, CAPTURE_CLOSED);
  bpf_map_delete_elem(&sockets, &inode);
  bpf_map_delete_elem(&recorders, &inode);
  return 0;
}
