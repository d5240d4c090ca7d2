/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which request of io_uring moved bytes over a socket, and where these are. Most complete with a
 * word, which names them (capture_ring.h). Of one that completes without (IOSQE_CQE_SKIP_SUCCESS)
 * it is known where it is done as it is handed in, by the same thread. */
#pragma once

#include "detect/source/bpf/capture_place.h"

/* Set where the completions of io_uring are heard of (capture_ring.h). */
const volatile __u8 rings_tell = 0;

enum {
  kRingReadv = 1,
  kRingWritev = 2,
  kRingReadFixed = 4,
  kRingWriteFixed = 5,
  kRingSendmsg = 9,
  kRingRecvmsg = 10,
  kRingRead = 22,
  kRingWrite = 23,
  kRingSend = 26,
  kRingRecv = 27,
  kRingSendZeroCopy = 47,
  kRingSendmsgZeroCopy = 48,
};
/* IOSQE_*, which are the first bits of a request's flags */
#define kRingLinked ((1 << 2) | (1 << 3))
#define kRingSelects (1 << 5)
#define kRingQuiet (1 << 6)
/* IORING_RECVSEND_*, IORING_RECV_*, IORING_SEND_* */
#define kRingMultishot (1 << 1)
#define kRingBundle (1 << 4)
#define kRingVectorized (1 << 5)

static __always_inline bool ring_sends(__u8 code) {
  return code == kRingWritev || code == kRingWriteFixed || code == kRingSendmsg ||
         code == kRingWrite || code == kRingSend || code == kRingSendZeroCopy ||
         code == kRingSendmsgZeroCopy;
}

/* Where the bytes are of a request for one buffer. Nowhere for a bundle: which buffers it took
 * stands in no place that lasts. */
static __always_inline bool place_of_buffer(const struct io_kiocb* request, struct place* place) {
  const struct io_sr_msg* message = (const void*)request;
  const __u64 base = (__u64)BPF_CORE_READ(message, buf);
  const __u16 flags = BPF_CORE_READ(message, flags);
  if (flags & kRingBundle) return false;
  if (BPF_CORE_READ(request, flags) & kRingSelects) {
    const struct io_async_msghdr* kept = BPF_CORE_READ(request, async_data);
    if (!kept || BPF_CORE_READ(kept, msg.msg_iter.iter_type) != 0) return false;
    place->base = (__u64)BPF_CORE_READ(kept, msg.msg_iter.ubuf);
    return place->base != 0;
  }
  if (flags & kRingVectorized) {
    place->vectors = base;
    place->count = (__u32)BPF_CORE_READ(message, len);
    return true;
  }
  /* What was moved by an earlier try has been left behind. */
  place->base = base - BPF_CORE_READ(message, done_io);
  return true;
}

/* Where a request's bytes are; false for one that moves none over a socket. */
static __always_inline bool place_of_request(const struct io_kiocb* request, struct place* place) {
  const struct io_sr_msg* message = (const void*)request;
  const struct io_rw* transfer = (const void*)request;
  switch (BPF_CORE_READ(request, opcode)) {
    case kRingSend:
    case kRingSendZeroCopy:
    case kRingRecv:
      return place_of_buffer(request, place);
    case kRingSendmsg:
    case kRingSendmsgZeroCopy:
    case kRingRecvmsg:
      if (BPF_CORE_READ(message, flags) & (kRingBundle | kRingMultishot)) return false;
      *place = place_of_message((__u64)BPF_CORE_READ(message, umsg));
      return true;
    case kRingRead:
    case kRingReadFixed:
    case kRingWrite:
    case kRingWriteFixed:
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

struct ring_request {
  const struct io_kiocb* request; /* 0: none, or one of a chain, of which another may be done */
  __u64 chained;
};
/* The quiet request that a thread handed in last, and that has not been put off. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64); /* process and thread */
  __type(value, struct ring_request);
} ring_requests SEC(".maps");

struct ring_move {
  __u64 inode;
  __u64 size;
};
/* What io_uring received last in a thread. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct ring_move);
} ring_moves SEC(".maps");

/* Where the bytes of this move are, if they are those of a quiet request. */
static __always_inline bool place_of_quiet(const struct sock* sk, __u32 sends,
                                           struct place* place) {
  const __u64 thread = bpf_get_current_pid_tgid();
  struct ring_request* asked = rings_tell ? bpf_map_lookup_elem(&ring_requests, &thread) : 0;
  if (!asked || !asked->request) return false;
  const struct io_kiocb* request = asked->request;
  asked->request = 0; /* it moves once */
  if (!(BPF_CORE_READ(request, flags) & kRingQuiet)) return false;
  if (ring_sends(BPF_CORE_READ(request, opcode)) != (sends != 0)) return false;
  if (stream_of(BPF_CORE_READ(request, file)) != sk) return false;
  return place_of_request(request, place);
}
