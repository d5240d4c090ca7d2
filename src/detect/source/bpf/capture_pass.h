/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The way of bytes from a process into the ring, or, where there is no time for them, into the
 * recorder of their connection. */
#pragma once

#include "detect/source/bpf/capture_core.h"

/* What is looked at to tell what a piece begins with. */
#define kGlance 16

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

/* Where the bytes of a call are: one buffer, or the vectors of an array. */
struct place {
  __u64 base;
  __u64 vectors; /* 0: one buffer */
  __u64 count;
  __u64 limit; /* so many bytes are kept from the front */
};

enum beginning { kGoesOn, kResponse, kRequest };

/* Whether bytes begin like a message of HTTP/1 or the preface of HTTP/2: a word of capitals, then a
 * blank, or "HTTP/". What only looks like one is sorted out behind the ring. */
static __always_inline enum beginning beginning_of(const __u8* data, __u32 size) {
  __u32 capitals = 0;
  for (__u32 i = 0; i < 12; ++i) {
    if (i >= size) break;
    const __u8 c = data[i];
    if (c >= 'A' && c <= 'Z') {
      ++capitals;
      continue;
    }
    if (capitals == 0 || (c != ' ' && c != '/' && c != '-')) return kGoesOn;
    break;
  }
  if (capitals == 0) return kGoesOn;
  return data[0] == 'H' && data[1] == 'T' ? kResponse : kRequest;
}

/* CONNECT: what follows may be TLS, whose session is found as its first bytes pass. */
static __always_inline bool opens_tunnel(const __u8* data) {
  return data[0] == 'C' && data[1] == 'O' && data[2] == 'N' && data[3] == 'N';
}

struct gathering {
  __u64 vectors;
  __u64 count;
  __u64 limit;
  __u64 left;
  __u64 end;       /* where the last bytes of the last vector end */
  __u64 last_size; /* how many there are in it */
};

static long gather_vector(__u64 index, struct gathering* g) {
  const __u32 zero = 0;
  struct piece* piece = bpf_map_lookup_elem(&pieces, &zero);
  if (!piece || index >= g->count || g->left == 0) return 1;
  struct {
    __u64 base, size;
  } vector;
  if (bpf_probe_read_user(&vector, sizeof(vector), (const void*)(g->vectors + index * 16)) != 0) {
    return 1;
  }
  const __u64 taken = vector.size < g->left ? vector.size : g->left;
  if (taken == 0) return 0;
  __u32 at = piece->event.front;
  if (at < g->limit) {
    __u32 room = g->limit - at;
    if (taken < room) room = taken;
    /* The compiler must not put the bounds anywhere else. */
    asm volatile("" : "+r"(room), "+r"(at));
    if (room > CAPTURE_FRONT || at >= CAPTURE_FRONT) return 1;
    if (bpf_probe_read_user(piece->data + at, room, (const void*)vector.base) != 0) return 1;
    piece->event.front = at + room;
  }
  g->left -= taken;
  g->end = vector.base + taken;
  g->last_size = taken;
  return 0;
}

/* Copies the bytes of a call from the process: the first ones, and the last few where that are not
 * all. What cannot be read is a gap. */
static __noinline int gather(struct piece* piece, const struct place* place) {
  if (!piece || !place) return 0;
  const __u64 total = piece->event.total;
  piece->event.front = piece->event.tail = 0;
  if (place->base == 0 && place->vectors == 0) return 0;
  struct gathering g = {.limit = place->limit, .left = total};
  if (place->vectors) {
    g.vectors = place->vectors;
    g.count = place->count < kVectors ? place->count : kVectors;
    bpf_loop(kVectors, gather_vector, &g, 0);
  } else {
    __u32 size = total < place->limit ? total : place->limit;
    asm volatile("" : "+r"(size));
    if (size > CAPTURE_FRONT) return 0;
    if (bpf_probe_read_user(piece->data, size, (const void*)place->base) != 0) return 0;
    piece->event.front = size;
    g.left = 0;
    g.end = place->base + total;
    g.last_size = total;
  }
  if (total <= piece->event.front || g.left != 0) return 0;
  __u64 missing = total - piece->event.front;
  if (g.last_size < missing) missing = g.last_size;
  __u32 tail = missing < CAPTURE_TAIL ? missing : CAPTURE_TAIL;
  __u32 at = piece->event.front;
  asm volatile("" : "+r"(tail), "+r"(at));
  if (at > CAPTURE_FRONT || tail > CAPTURE_TAIL) return 0;
  if (bpf_probe_read_user(piece->data + at, tail, (const void*)(g.end - tail)) != 0) return 0;
  piece->event.tail = tail;
  return 0;
}

/* Sends the piece on its way, or counts what is lost for the next one of its direction. */
static __always_inline void submit(struct piece* piece, struct capture_socket* socket) {
  const __u32 way = piece->event.bits & CAPTURE_SENT ? 1 : 0;
  piece->event.lost = socket ? __sync_lock_test_and_set(&socket->lost[way], 0) : 0;
  __u32 size = sizeof(piece->event) + piece->event.front + piece->event.tail;
  asm volatile("" : "+r"(size));
  if (size > sizeof(piece->event) + CAPTURE_FRONT + CAPTURE_TAIL) return;
  if (bpf_ringbuf_output(&events, piece, size, 0) == 0) return;
  count_loss(CAPTURE_LOST_EVENTS);
  if (socket) __sync_fetch_and_add(&socket->lost[way], piece->event.lost + piece->event.total);
}

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

/* A message begins in that direction; with a request the last exchange is over. */
static __always_inline void begin_record(struct capture_recorder* recorder, __u32 way, __u32 part,
                                         const struct capture_event* from) {
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
    begin_record(recorder, way, part, &piece->event);
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

struct span {
  const __u8* base;
  __u64 size;
};

/* The first and the last buffer of a call of one or two, as far as `total` bytes fill them. */
static __always_inline bool find_ends(const struct place* place, __u64 total, struct span* first,
                                      struct span* last) {
  __u64 vectors[4] = {place->base, total};
  if (!place->base) {
    if (!place->vectors || place->count == 0 || place->count > 2) return false;
    const __u32 size = place->count == 2 ? 32 : 16;
    if (bpf_probe_read_user(vectors, size, (const void*)place->vectors) != 0) return false;
  }
  first->base = (const void*)vectors[0];
  first->size = vectors[1] < total ? vectors[1] : total;
  *last = *first;
  const __u64 rest = total - first->size;
  if (rest == 0) return true;
  if (rest > vectors[3]) return false;
  last->base = (const void*)vectors[2];
  last->size = rest;
  return true;
}

/* Counts what is no message's beginning, and keeps its last bytes. */
static __always_inline void go_on(struct capture_recorded* kept, const struct capture_event* event,
                                  const struct span* last, __u64 seen) {
  const __u64 total = event->total;
  kept->event.time = event->time;
  kept->event.total += total;
  kept->event.tail = 0;
  if (total <= seen || !last->base) return;
  const __u64 rest = total - seen < last->size ? total - seen : last->size;
  __u32 size = rest < CAPTURE_TAIL ? rest : CAPTURE_TAIL;
  asm volatile("" : "+r"(size));
  if (size > CAPTURE_TAIL) return;
  if (bpf_probe_read_user(kept->tail, size, last->base + (last->size - size)) == 0) {
    kept->event.tail = size;
  }
}

/* The short way on a connection that is passed over, straight from the process into the recorder.
 * Messages are told from each other by who speaks: who answers begins one. False where it is to go
 * the long way. */
static __noinline int pass_over(struct capture_passing* passing, const struct capture_event* event,
                                const struct place* place) {
  if (!event || !passing || !place) return 0;
  const __u64 total = event->total;
  const __u32 way = event->bits & CAPTURE_SENT ? 1 : 0;
  const bool turn = way != (passing->bits & CAPTURE_SPOKE ? 1 : 0);
  struct span first = {}, last = {};
  const bool in_process = place->base || place->vectors;
  if (in_process && !find_ends(place, total, &first, &last)) return 0;
  struct capture_recorded* kept = &passing->recorder.way[way];
  __u64 seen = 0;
  if (turn && in_process) {
    __u32 size = first.size < CAPTURE_RECORDED ? first.size : CAPTURE_RECORDED;
    asm volatile("" : "+r"(size));
    if (size > CAPTURE_RECORDED || bpf_probe_read_user(kept->front, size, first.base) != 0)
      return 0;
    const enum beginning part = beginning_of(kept->front, size);
    if (part == kRequest) {
      struct capture_budget* budget = budget_at(event->time);
      if (!budget || budget->left != 0 || opens_tunnel(kept->front)) return 0;
      ++budget->skips;
    }
    begin_record(&passing->recorder, way, part, event);
    /* The rest of a request whose sender waited for leave to go on: the head is gone. */
    if (part != kGoesOn) kept->event.front = seen = size;
    if (way) {
      passing->bits |= CAPTURE_SPOKE;
    } else {
      passing->bits &= ~CAPTURE_SPOKE;
    }
  }
  go_on(kept, event, &last, seen);
  passing->lost[way] += total;
  return 1;
}

/* One piece of what passed over a socket, on its way if it is of HTTP; its bits tell which way it
 * went and whether inside of TLS. `recorder` is the socket's own where it has one. */
static __noinline int pass_on(struct piece* piece, struct sock* sk, struct place* place,
                              struct capture_socket* socket, struct capture_recorder* recorder) {
  if (!piece || !place || !socket) return 0;
  const __u32 flags = piece->event.bits;
  const __u32 sends = flags & CAPTURE_SENT, tls = flags & CAPTURE_TLS;
  const bool known = socket->bits & CAPTURE_HTTP;
  place->limit = known ? CAPTURE_RECORDED : kGlance;
  gather(piece, place);
  const enum beginning part = beginning_of(piece->data, piece->event.front);
  if (!known) {
    if (part == kGoesOn) {
      if (!tls) socket->bits |= CAPTURE_OTHER;
      return 0;
    }
    socket->bits |= CAPTURE_HTTP;
  }
  __u32 bits = socket->bits & (CAPTURE_LATE | CAPTURE_CALLED | CAPTURE_ACCEPTED);
  /* Whatever comes after something else is met in the middle. */
  if (!tls && (socket->bits & CAPTURE_OTHER)) bits |= CAPTURE_LATE;
  piece->event.bits = bits | flags;
  /* Whether an exchange is looked at is decided where its request begins. */
  struct capture_budget* budget = budget_at(piece->event.time);
  if (!budget) return 0;
  if (part == kRequest) {
    if (budget->left != 0 || opens_tunnel(piece->data)) {
      socket->bits &= ~CAPTURE_SKIPPED;
    } else {
      socket->bits |= CAPTURE_SKIPPED;
      ++budget->skips;
    }
  }
  const __u32 way = sends ? 1 : 0;
  if (socket->bits & CAPTURE_SKIPPED) {
    if (!known) {
      place->limit = CAPTURE_RECORDED;
      gather(piece, place);
    }
    record(recorder ? recorder : recorder_of(piece->event.socket, sk), piece, way, part);
    socket->bits &= ~CAPTURE_SPOKE;
    if (sends) socket->bits |= CAPTURE_SPOKE;
    __sync_fetch_and_add(&socket->lost[way], piece->event.total);
    return 1;
  }
  if (budget->left != 0) {
    --budget->left;
    if (piece->event.total > place->limit) {
      place->limit = CAPTURE_FRONT;
      gather(piece, place);
    }
  }
  fill_event(&piece->event, sk);
  submit(piece, socket);
  return 1;
}
