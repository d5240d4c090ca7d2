/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What io_uring moves. Sockets tell how much; where the bytes lie is in the request, and is told of
 * when that completes, before its program can know of it: the bytes are still there. One that
 * completes several times (a multishot receive) is not named by its completions: it is known by
 * what its program calls it. What is neither stays counted and unread. */
#pragma once

#include "detect/source/bpf/capture_sockets.h"

struct ring_name {
  __u64 ring;
  __u64 user_data;
};
/* The receive that completes several times, by its ring and its name there. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct ring_name);
  __type(value, __u64);
} ring_receives SEC(".maps");

static __always_inline bool is_multishot(const struct io_kiocb* request) {
  const struct io_sr_msg* message = (const void*)request;
  return BPF_CORE_READ(request, opcode) == kRingRecv &&
         (BPF_CORE_READ(message, flags) & kRingMultishot);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_ring_asked, struct io_kiocb* request) {
  if (!is_target(bpf_get_current_task_btf())) return 0;
  const __u64 thread = bpf_get_current_pid_tgid();
  const __u64 flags = BPF_CORE_READ(request, flags);
  struct ring_request* before = bpf_map_lookup_elem(&ring_requests, &thread);
  const bool chained = (flags & kRingLinked) || (before && before->chained);
  struct ring_request asked = {.chained = (flags & kRingLinked) != 0};
  if ((flags & kRingQuiet) && !chained) {
    asm volatile("" : "+r"(request)); /* no arithmetic with a pointer: the verifier wants it so */
    asked.request = request;
  }
  if (before) {
    *before = asked;
  } else if (asked.request || asked.chained) {
    bpf_map_update_elem(&ring_requests, &thread, &asked, BPF_ANY);
  }
  if (is_multishot(request)) {
    const struct ring_name name = {.ring = (__u64)BPF_CORE_READ(request, ctx),
                                   .user_data = BPF_CORE_READ(request, cqe.user_data)};
    const __u64 kept = (__u64)request;
    bpf_map_update_elem(&ring_receives, &name, &kept, BPF_ANY);
  }
  return 0;
}

/* Put off until its socket is ready: others will be done before it. */
SEC("tp_btf/io_uring_poll_arm")
int BPF_PROG(on_ring_armed, struct io_kiocb* request) {
  const __u64 thread = bpf_get_current_pid_tgid();
  struct ring_request* asked = bpf_map_lookup_elem(&ring_requests, &thread);
  if (asked && asked->request == request) asked->request = 0;
  return 0;
}

/* The request of a completion that names none. Two may have the same name: it is the one whose
 * socket this thread just received so much from. */
static __always_inline const struct io_kiocb* named_request(struct io_ring_ctx* ring,
                                                            const struct io_uring_cqe* done) {
  const struct ring_name name = {.ring = (__u64)ring, .user_data = BPF_CORE_READ(done, user_data)};
  const __u64* kept = bpf_map_lookup_elem(&ring_receives, &name);
  if (!kept) return 0;
  const struct io_kiocb* request = (const void*)*kept;
  if (!is_multishot(request) || BPF_CORE_READ(request, cqe.user_data) != name.user_data) return 0;
  const __u64 thread = bpf_get_current_pid_tgid();
  const struct ring_move* move = bpf_map_lookup_elem(&ring_moves, &thread);
  if (!move || move->size != (__u64)BPF_CORE_READ(done, res)) return 0;
  return move->inode == BPF_CORE_READ(request, file, f_inode, i_ino) ? request : 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_ring_done, struct io_ring_ctx* ring, const struct io_kiocb* request,
             struct io_uring_cqe* done) {
  struct task_struct* task = bpf_get_current_task_btf();
  const __s32 result = BPF_CORE_READ(done, res);
  if (result <= 0 || !is_target(task)) return 0;
  if (!request) request = named_request(ring, done);
  struct place place = {};
  if (!request || !place_of_request(request, &place)) return 0;
  struct file* file = BPF_CORE_READ(request, file);
  struct sock* sk = stream_of(file);
  if (!sk) return 0;
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket || socket->tls) return 0;
  const bool sends = ring_sends(BPF_CORE_READ(request, opcode));
  const __u32 way = sends ? 1 : 0;
  /* Counted as unread when it was moved. */
  if (socket->lost[way] < (__u32)result) return 0;
  __sync_fetch_and_add(&socket->lost[way], -(__u64)(__u32)result);
  __sync_fetch_and_add(&losses[CAPTURE_UNREADABLE], -1);
  const __u64 when = sends && socket->ringed ? socket->ringed : bpf_ktime_get_boot_ns();
  struct piece* piece = piece_at(when, inode, socket->fd);
  if (!piece) return 0;
  piece->event.what = CAPTURE_DATA;
  piece->event.total = (__u32)result;
  piece->event.bits = sends ? CAPTURE_SENT : 0;
  pass_on(piece, sk, &place, socket, 0);
  return 0;
}
