/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the capturing programs share: whom they follow, what they remember of sockets, the way of
 * bytes from a process into the ring. */
#pragma once

/* libbpf's headers need the types that come before them. */
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/capture_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
// clang-format on
#include "detect/source/bpf/capture_abi.h"

#define kVectors 32 /* of one call; the bytes behind them are not looked at */

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 32 << 20);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPTURE_TARGETS);
  __type(key, __s32); /* thread group */
  __type(value, __u8);
} targets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPTURE_SOCKETS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64); /* inode number */
  __type(value, struct capture_socket);
} sockets SEC(".maps");

/* When the call began in which a thread is, for calls that send. */
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} begun SEC(".maps");

/* Set while a TLS library is looked into. */
__u32 tls_armed = 0;

struct tls_call {
  __u64 session;
  __u64 buffer;
  __u64 moved; /* where an _ex form puts how many bytes it moved; 0 for the others */
  __u64 began;
  __u32 sends;
  __u32 padding;
};
/* The call of a TLS library in which a thread is. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, __u64); /* process and thread */
  __type(value, struct tls_call);
} tls_calls SEC(".maps");

struct tls_session {
  __u64 inode;
  __s32 fd;
  __u32 padding;
};
/* The socket that carries a session. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPTURE_SOCKETS / 4);
  __type(key, __u64); /* session_key() */
  __type(value, struct tls_session);
} tls_sessions SEC(".maps");
/* The socket on which a thread last received what is no HTTP. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 32768);
  __type(key, __u64);
  __type(value, struct tls_session);
} last_received SEC(".maps");

struct piece {
  struct capture_event event;
  __u8 data[2 * CAPTURE_FRONT]; /* twice: the verifier adds the bounds of offset and length */
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct piece);
} pieces SEC(".maps");

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

/* How many exchanges may still be looked at in this second, on each processor. */
struct budget {
  __u64 since;
  __u64 left;
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct budget);
} budgets SEC(".maps");
const volatile __u64 exchanges_a_second = 1500;

__u64 losses[CAPTURE_LOSSES];

static __always_inline void count_loss(enum capture_loss which) {
  __sync_fetch_and_add(&losses[which], 1);
}

/* The file at a number of the current task's table; 0 where there is none. */
static __always_inline struct file* file_at(struct task_struct* task, __s32 fd) {
  if (fd < 0) return 0;
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if ((__u32)fd >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file** slots = BPF_CORE_READ(table, fd);
  struct file* file = 0;
  bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
  return file;
}

/* The stream socket behind a file; 0 where it is none. */
static __always_inline struct sock* stream_of(struct file* file) {
  if (!file) return 0;
  if ((BPF_CORE_READ(file, f_inode, i_mode) & kModeType) != kModeSocket) return 0;
  struct socket* socket = BPF_CORE_READ(file, private_data);
  struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk || BPF_CORE_READ(sk, sk_type) != kStream) return 0;
  const __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  return family == kFamilyInet || family == kFamilyInet6 || family == kFamilyUnix ? sk : 0;
}

static __always_inline bool is_last_reference(struct file* file) {
  const struct file___before_6_13* old = (const void*)file;
  if (bpf_core_field_exists(old->f_count)) return BPF_CORE_READ(old, f_count.counter) <= 1;
  return BPF_CORE_READ(file, f_ref.refcnt.counter) <= 0;
}

static __always_inline struct capture_socket* remember(__u64 inode, __u32 bits) {
  struct capture_socket* known = bpf_map_lookup_elem(&sockets, &inode);
  if (known) return known;
  const struct capture_socket fresh = {.bits = bits};
  if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_SOCKETS);
    return 0;
  }
  return bpf_map_lookup_elem(&sockets, &inode);
}

static __always_inline __u64 session_key(__u64 session, __s32 group) {
  return session << 17 ^ (__u32)group; /* addresses of user space have 47 bits, pids 22 */
}

static __always_inline void bind_session(__u64 session, __s32 group, __u64 inode, __s32 fd) {
  const __u64 key = session_key(session, group);
  const struct tls_session bound = {.inode = inode, .fd = fd};
  bpf_map_update_elem(&tls_sessions, &key, &bound, BPF_ANY);
  struct capture_socket* socket = remember(inode, CAPTURE_LATE);
  if (socket) socket->tls = session;
}

static __always_inline void fill_socket(struct capture_event* event, struct sock* sk) {
  event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
  event->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
  event->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
  if (event->family == kFamilyInet) {
    const __u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
    const __u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
    __builtin_memcpy(event->local, &local, 4);
    __builtin_memcpy(event->remote, &remote, 4);
  } else if (event->family == kFamilyInet6) {
    bpf_core_read(event->local, sizeof(event->local), &sk->__sk_common.skc_v6_rcv_saddr);
    bpf_core_read(event->remote, sizeof(event->remote), &sk->__sk_common.skc_v6_daddr);
  } else {
    event->local_port = event->remote_port = 0;
  }
}

/* What is only needed of a piece that is told of. */
static __always_inline void fill_event(struct capture_event* event, struct sock* sk) {
  bpf_get_current_comm(event->comm, sizeof(event->comm));
  if (sk) fill_socket(event, sk);
}

/* Whether bytes begin like a message of HTTP/1 or the preface of HTTP/2: a word of capitals, then a
 * blank, or "HTTP/". What only looks like one is sorted out behind the ring. */
static __always_inline bool begins_like_http(const __u8* data, __u32 size) {
  __u32 capitals = 0;
  for (__u32 i = 0; i < 12; ++i) {
    if (i >= size) break;
    const __u8 c = data[i];
    if (c >= 'A' && c <= 'Z') {
      ++capitals;
      continue;
    }
    return capitals > 0 && (c == ' ' || c == '/' || c == '-');
  }
  return capitals > 0;
}

/* Where the bytes of a call are: one buffer, or the vectors of an array. */
struct place {
  __u64 base;
  __u64 vectors; /* 0: one buffer */
  __u64 count;
};

struct gathering {
  struct piece* piece;
  __u64 vectors;
  __u64 count;
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
  if (at < CAPTURE_FRONT) {
    __u32 room = CAPTURE_FRONT - at;
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
  struct gathering g = {.left = total};
  if (place->vectors) {
    g.vectors = place->vectors;
    g.count = place->count < kVectors ? place->count : kVectors;
    bpf_loop(kVectors, gather_vector, &g, 0);
  } else {
    __u32 size = total < CAPTURE_FRONT ? total : CAPTURE_FRONT;
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
  piece->event.lost = socket ? socket->lost[way] : 0;
  __u32 size = sizeof(piece->event) + piece->event.front + piece->event.tail;
  asm volatile("" : "+r"(size));
  if (size > sizeof(piece->event) + CAPTURE_FRONT + CAPTURE_TAIL) return;
  if (bpf_ringbuf_output(&events, piece, size, 0) == 0) {
    if (socket && piece->event.lost) {
      __sync_fetch_and_add(&socket->lost[way], -piece->event.lost);
    }
    return;
  }
  count_loss(CAPTURE_LOST_EVENTS);
  if (socket) __sync_fetch_and_add(&socket->lost[way], piece->event.total);
}

static __always_inline bool within_budget(void) {
  const __u32 zero = 0;
  struct budget* budget = bpf_map_lookup_elem(&budgets, &zero);
  if (!budget) return false;
  const __u64 now = bpf_ktime_get_boot_ns();
  if (now - budget->since >= 1000000000ULL) {
    budget->since = now;
    budget->left = exchanges_a_second;
  }
  if (budget->left == 0) return false;
  --budget->left;
  return true;
}

enum message_part { kGoesOn, kResponse, kRequest };

/* Keeps the beginning of the last request and of the response to it, and how much followed. */
static __noinline int record(struct piece* piece, struct sock* sk, __u32 way,
                             enum message_part part) {
  if (!piece) return 0;
  const __u64 inode = piece->event.socket;
  struct capture_recorder* recorder = bpf_map_lookup_elem(&recorders, &inode);
  if (!recorder) {
    const __u32 zero = 0;
    const struct capture_recorder* fresh = bpf_map_lookup_elem(&blank, &zero);
    if (!fresh) return 0;
    bpf_map_update_elem(&recorders, &inode, fresh, BPF_ANY);
    recorder = bpf_map_lookup_elem(&recorders, &inode);
    if (!recorder) return 0;
  }
  struct capture_recorded* kept = &recorder->way[way & 1];
  if (part == kGoesOn) {
    kept->event.total += piece->event.total;
    return 1;
  }
  if (part == kRequest) recorder->way[(way + 1) & 1].event.front = 0;
  fill_event(&piece->event, sk);
  kept->event = piece->event;
  kept->event.tail = 0;
  __u32 size = piece->event.front;
  asm volatile("" : "+r"(size));
  if (size > CAPTURE_RECORDED) size = CAPTURE_RECORDED;
  kept->event.front = size;
  bpf_probe_read_kernel(kept->front, size, piece->data);
  return 1;
}

/* One piece of what passed over a socket, on its way if it is of HTTP. */
static __noinline int pass_on(struct piece* piece, struct sock* sk, struct place* place,
                              struct capture_socket* socket, __u32 flags) {
  if (!piece || !place || !socket) return 0;
  const __u32 sends = flags & CAPTURE_SENT, tls = flags & CAPTURE_TLS;
  gather(piece, place);
  if (!(socket->bits & CAPTURE_HTTP)) {
    if (piece->event.front == 0 || !begins_like_http(piece->data, piece->event.front)) {
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
  enum message_part part = kGoesOn;
  if (begins_like_http(piece->data, piece->event.front)) {
    part = piece->data[0] == 'H' && piece->data[1] == 'T' ? kResponse : kRequest;
  }
  if (part == kRequest) {
    if (within_budget()) {
      socket->bits &= ~CAPTURE_SKIPPED;
    } else {
      socket->bits |= CAPTURE_SKIPPED;
      count_loss(CAPTURE_SKIPS);
    }
  }
  if (socket->bits & CAPTURE_SKIPPED) {
    const __u32 way = sends ? 1 : 0;
    record(piece, sk, way, part);
    __sync_fetch_and_add(&socket->lost[way], piece->event.total);
    return 1;
  }
  fill_event(&piece->event, sk);
  submit(piece, socket);
  return 1;
}
