/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Recorders: of a connection for which there is no time, the beginning of its last request and of
 * the response to that, until somebody asks because nothing moves any more. And how much time there
 * is. */
#pragma once

#include "detect/source/bpf/capture_gather.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64); /* inode number */
  __type(value, struct capture_recorder);
} recorders SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct capture_recorder);
} blank SEC(".maps");

/* So many pieces at once are looked at on each processor, and so many more each second. Reading one
 * costs user space some 15 us, on the same processors as the load. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct capture_budget);
} budgets SEC(".maps");
const volatile __u64 pieces_at_once = 1000;
const volatile __u64 pieces_a_second = 400;

/* What is left of the budget, with what came in since. */
static __always_inline struct capture_budget* budget_at(__u64 now) {
  const __u32 zero = 0;
  struct capture_budget* budget = bpf_map_lookup_elem(&budgets, &zero);
  if (!budget) return 0;
  /* Ten times a second, so that what is looked at is spread over it. */
  if (now - budget->since >= 100000000ULL) {
    const bool idle = now - budget->since >= 10000000000ULL;
    budget->left = idle ? pieces_at_once : budget->left + pieces_a_second / 10;
    if (budget->left > pieces_at_once) budget->left = pieces_at_once;
    budget->since = now;
  }
  return budget;
}

static __always_inline void begin_recorder(struct capture_recorder* fresh, __u64 inode,
                                           struct sock* sk) {
  fill_event(&fresh->way[0].event, sk);
  fresh->way[0].event.socket = inode;
  fresh->way[0].event.what = CAPTURE_DATA;
  fresh->way[1].event = fresh->way[0].event;
}

static __always_inline struct capture_recorder* recorder_of(__u64 inode, struct sock* sk) {
  struct capture_recorder* known = bpf_map_lookup_elem(&recorders, &inode);
  if (known) return known;
  const __u32 zero = 0;
  struct capture_recorder* fresh = bpf_map_lookup_elem(&blank, &zero);
  if (!fresh) return 0;
  begin_recorder(fresh, inode, sk);
  bpf_map_update_elem(&recorders, &inode, fresh, BPF_ANY);
  return bpf_map_lookup_elem(&recorders, &inode);
}

/* One call that moved bytes, as far as a recorder keeps it. */
struct passed {
  __u64 time;
  __u64 total;
  __s32 pid;
  __s32 fd;
  __u32 bits;
  __u32 padding;
};

/* A message begins in that direction; with a request the last exchange is over. */
static __always_inline void begin_record(struct capture_recorder* recorder, __u32 way, __u32 part,
                                         const struct passed* from) {
  struct capture_event* event = &recorder->way[way & 1].event;
  if (part == kRequest) recorder->way[(way + 1) & 1].event.front = 0;
  event->total = 0;
  event->pid = from->pid;
  event->fd = from->fd;
  event->bits = from->bits;
  event->front = 0;
}

/* Keeps the beginning of the last request and of the response to it, how much followed and how that
 * ended. */
static __noinline int record(struct capture_recorder* recorder, struct piece* piece, __u32 way,
                             __u32 part) {
  if (!piece || !recorder) return 0;
  struct capture_recorded* kept = &recorder->way[way & 1];
  if (part != kGoesOn) {
    const struct passed passed = {
        .pid = piece->event.pid, .fd = piece->event.fd, .bits = piece->event.bits};
    begin_record(recorder, way, part, &passed);
    __u32 size = piece->event.front;
    asm volatile("" : "+r"(size));
    if (size > CAPTURE_RECORDED) return 0;
    bpf_probe_read_kernel(kept->front, size, piece->data);
    kept->event.front = size;
  }
  kept->event.time = piece->event.time;
  kept->event.total += piece->event.total;
  /* How a chunked body ended is in the last bytes. */
  __u32 at = piece->event.front, tail = piece->event.tail;
  if (part == kGoesOn) {
    const __u32 end = at + tail;
    tail = end < CAPTURE_TAIL ? end : CAPTURE_TAIL;
    at = end - tail;
  }
  asm volatile("" : "+r"(tail), "+r"(at));
  kept->event.tail = 0;
  if (tail > CAPTURE_TAIL || at > CAPTURE_RECORDED + CAPTURE_TAIL) return 1;
  bpf_probe_read_kernel(kept->tail, tail, piece->data + at);
  kept->event.tail = tail;
  return 1;
}

/* Of the connections that are passed over those are handed out on which nothing moved since then,
 * and so many of them. */
__u64 hand_out_since = 0;
__u64 hand_out_left = 0;

static __always_inline bool may_hand_out(const struct capture_recorder* recorder) {
  const struct capture_event* received = &recorder->way[0].event;
  const struct capture_event* sent = &recorder->way[1].event;
  return hand_out_left != 0 && (received->front != 0 || sent->front != 0) &&
         received->time <= hand_out_since && sent->time <= hand_out_since;
}

/* Its recorder is with user space: nothing of the connection is missing up to now. */
static __always_inline void handed_out(struct capture_socket* socket) {
  --hand_out_left;
  socket->bits &= ~CAPTURE_SKIPPED;
  __sync_lock_test_and_set(&socket->lost[0], 0);
  __sync_lock_test_and_set(&socket->lost[1], 0);
}

/* The same for those whose recorder is in the table. */
SEC("iter/bpf_map_elem")
int look_over_recorders(struct bpf_iter__bpf_map_elem* ctx) {
  const __u64* key = ctx->key;
  struct capture_recorder* recorder = ctx->value;
  if (!key || !recorder || !may_hand_out(recorder)) return 0;
  const __u64 inode = *key;
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket || !(socket->bits & CAPTURE_SKIPPED)) return 0;
  if (bpf_seq_write(ctx->meta->seq, recorder, sizeof(*recorder)) != 0) return 0;
  handed_out(socket);
  recorder->way[0].event.front = recorder->way[1].event.front = 0;
  return 0;
}
