// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Probes at the beginning of functions of Go's HTTP client: which request went out on which
// connection, from which stack, until the connection is idle or closed. Entries only: a return
// probe would put an address of its own on a stack that Go moves.
//
// Registers are those of Go's own calling convention since 1.17: receiver and arguments in RAX,
// RBX, RCX; the goroutine in R14. The stack is walked by frame pointers, which Go keeps on x86-64.
// clang-format off
#include <linux/bpf.h>
#include "detect/source/bpf/trace_kernel.h"
#include <bpf/bpf_helpers.h>
// clang-format on
#include "detect/source/bpf/go_http_abi.h"

/* Where runtime.g has the goroutine's number, which differs between versions; 0: unknown. */
const volatile __u64 goid_offset = 0;

__u64 full = 0;   /* requests that found no room */
__u64 unread = 0; /* requests whose memory could not be read */

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kGoRequests);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64);
  __type(value, struct go_request);
} live SEC(".maps");

/* HTTP/2: from the request to what is known of it, until its stream begins in another goroutine. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, struct go_request);
} waiting SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct go_request);
} scratch SEC(".maps");

struct go_string {
  __u64 data;
  __u64 length;
};

static __always_inline bool get(void* into, __u32 size, __u64 from) {
  return bpf_probe_read_user(into, size, (const void*)from) == 0;
}

/* Takes down the bytes of a string; returns its whole length. */
static __always_inline __u32 take(struct go_request* one, char* into, __u32 most,
                                  struct go_string text) {
  __u32 length = text.length > 1 << 20 ? 1 << 20 : (__u32)text.length;
  __u32 size = length < most ? length : most;
  if (size > 0 && !get(into, size, text.data)) {
    one->unread = 1;
    return 0;
  }
  return length;
}

static __always_inline void walk(struct go_request* one, struct pt_regs* ctx) {
  __u64 frame = ctx->bp;
  __u64 pair[2] = {};
  __builtin_memset(one->stack, 0, sizeof(one->stack));
  /* At a function's first instruction the return address is on top and rbp still the caller's. */
  if (!get(&one->stack[0], sizeof(__u64), ctx->sp)) return;
#pragma unroll
  for (__u32 i = 1; i < kGoFrames; ++i) {
    if (frame == 0 || !get(pair, sizeof(pair), frame) || pair[1] == 0) return;
    one->stack[i] = pair[1];
    if (pair[0] <= frame) return; /* stacks grow down */
    frame = pair[0];
  }
}

/* The beginnings of net/http.Request and net/url.URL, the same in every version since Go 1.17. Read
 * at once: what costs in reading a process's memory is the asking. */
struct go_http_request {
  struct go_string method;
  __u64 url;
};
struct go_url {
  struct go_string scheme;
  struct go_string opaque;
  __u64 user;
  struct go_string host;
  struct go_string path;
  struct go_string raw_path;
  __u64 omit_host_and_force_query; /* in 1.17 ForceQuery alone */
  struct go_string raw_query;
};
_Static_assert(__builtin_offsetof(struct go_url, raw_query) == 96, "as Go lays it out");

static __always_inline void describe(struct go_request* one, struct pt_regs* ctx, __u64 request,
                                     __u8 http2) {
  one->sent = bpf_ktime_get_boot_ns();
  one->goroutine = 0;
  one->http2 = http2;
  one->unread = 0;
  one->padding[0] = one->padding[1] = 0;
  if (goid_offset) get(&one->goroutine, sizeof(__u64), ctx->r14 + goid_offset);
  walk(one, ctx);
  one->method_length = one->scheme_length = one->host_length = 0;
  one->path_length = one->query_length = 0;
  struct go_http_request head = {};
  struct go_url url = {};
  if (get(&head, sizeof(head), request) && head.url && get(&url, sizeof(url), head.url)) {
    one->scheme_length = take(one, one->scheme, kGoScheme, url.scheme);
    one->host_length = take(one, one->host, kGoHost, url.host);
    one->path_length = take(one, one->path, kGoPath, url.path);
    one->query_length = take(one, one->query, kGoQuery, url.raw_query);
  } else {
    one->unread = 1;
  }
  one->method_length = take(one, one->method, kGoMethod, head.method);
  if (one->unread) __sync_fetch_and_add(&unread, 1);
}

/* func (pc *persistConn) roundTrip(req *transportRequest): a transportRequest begins with its
 * *Request. */
SEC("uprobe")
int on_round_trip(struct pt_regs* ctx) {
  __u64 connection = ctx->ax;
  __u64 request = 0;
  if (!get(&request, sizeof(request), ctx->bx)) return 0;
  /* A connection of the pool has its row already. */
  struct go_request* one = bpf_map_lookup_elem(&live, &connection);
  if (one) {
    describe(one, ctx, request, 0);
    return 0;
  }
  __u32 zero = 0;
  one = bpf_map_lookup_elem(&scratch, &zero);
  if (!one) return 0;
  describe(one, ctx, request, 0);
  if (bpf_map_update_elem(&live, &connection, one, BPF_ANY) != 0) __sync_fetch_and_add(&full, 1);
  return 0;
}

/* func (t *Transport) tryPutIdleConn(pconn *persistConn) */
SEC("uprobe")
int on_idle(struct pt_regs* ctx) {
  __u64 connection = ctx->bx;
  struct go_request* one = bpf_map_lookup_elem(&live, &connection);
  if (one) one->sent = 0;
  return 0;
}

/* func (pc *persistConn) close(err error), closeLocked(err error);
 * func (cs *http2clientStream) cleanupWriteRequest(err error) */
SEC("uprobe")
int on_end(struct pt_regs* ctx) {
  __u64 connection = ctx->ax;
  bpf_map_delete_elem(&live, &connection);
  return 0;
}

/* func (cc *http2ClientConn) RoundTrip(req *Request): in the caller's goroutine. */
SEC("uprobe")
int on_round_trip2(struct pt_regs* ctx) {
  __u64 request = ctx->bx;
  __u32 zero = 0;
  struct go_request* one = bpf_map_lookup_elem(&scratch, &zero);
  if (!one) return 0;
  describe(one, ctx, request, 1);
  bpf_map_update_elem(&waiting, &request, one, BPF_ANY);
  return 0;
}

/* func (cs *http2clientStream) doRequest(req *Request): in the stream's own goroutine. */
SEC("uprobe")
int on_stream(struct pt_regs* ctx) {
  __u64 stream = ctx->ax;
  __u64 request = ctx->bx;
  struct go_request* one = bpf_map_lookup_elem(&waiting, &request);
  if (!one) return 0;
  if (bpf_map_update_elem(&live, &stream, one, BPF_ANY) != 0) __sync_fetch_and_add(&full, 1);
  bpf_map_delete_elem(&waiting, &request);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
