/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Copying the bytes of a call from the process, and telling what they begin with. */
#pragma once

#include "detect/source/bpf/capture_core.h"

/* What is looked at to tell what a piece begins with. */
#define kGlance 16

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
