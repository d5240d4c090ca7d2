/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What io_uring moves. Sockets tell how much; where the bytes lie is in the request, and is told of
 * when that completes, before its program can know of it: the bytes are still there. A request that
 * completes without a word (IOSQE_CQE_SKIP_SUCCESS), or several times (multishot), leaves its bytes
 * counted and unread. */
#pragma once

#include "detect/source/bpf/capture_sockets.h"

enum {
  kRingReadv = 1,
  kRingWritev = 2,
  kRingSendmsg = 9,
  kRingRecvmsg = 10,
  kRingRead = 22,
  kRingWrite = 23,
  kRingSend = 26,
  kRingRecv = 27,
};

/* Where a request's bytes are; false for one that moves none over a socket. */
static __always_inline bool place_of_request(const struct io_kiocb* request, struct place* place,
                                             __u32* sends) {
  const struct io_sr_msg* message = (const void*)request;
  const struct io_rw* transfer = (const void*)request;
  const __u8 code = BPF_CORE_READ(request, opcode);
  *sends = code == kRingWritev || code == kRingSendmsg || code == kRingWrite || code == kRingSend;
  switch (code) {
    case kRingSend:
    case kRingRecv:
      /* What was moved by an earlier try has been left behind. */
      place->base = (__u64)BPF_CORE_READ(message, buf) - BPF_CORE_READ(message, done_io);
      return true;
    case kRingSendmsg:
    case kRingRecvmsg:
      *place = place_of_message((__u64)BPF_CORE_READ(message, umsg));
      return true;
    case kRingRead:
    case kRingWrite:
      place->base = BPF_CORE_READ(transfer, addr);
      return true;
    case kRingReadv:
    case kRingWritev:
      place->vectors = BPF_CORE_READ(transfer, addr);
      place->count = BPF_CORE_READ(transfer, len);
      return true;
    default:
      return false;
  }
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_ring_done, struct io_ring_ctx* ring, const struct io_kiocb* request,
             struct io_uring_cqe* done) {
  struct task_struct* task = bpf_get_current_task_btf();
  if (!request || !is_target(task)) return 0;
  const __s32 result = BPF_CORE_READ(done, res);
  struct place place = {};
  __u32 sends = 0;
  if (result <= 0 || !place_of_request(request, &place, &sends)) return 0;
  struct file* file = BPF_CORE_READ(request, file);
  struct sock* sk = stream_of(file);
  if (!sk) return 0;
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket || socket->tls) return 0;
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
