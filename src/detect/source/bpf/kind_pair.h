/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Pairs of functions that a user names: one acquires, the other releases, and an argument or the
 * result tells which. The cookie of each probe says what it is for (trace_abi.h). */
#ifndef PLUMB_KIND_PAIR_H
#define PLUMB_KIND_PAIR_H

#include "detect/source/bpf/trace_uprobe.h"

static __always_inline __u64 word_at(__u64 cookie, __u64 argument) {
  __u64 word = 0;
  bpf_probe_read_user(&word, sizeof(word), (const void*)(argument + PLUMB_PAIR_OFFSET(cookie)));
  return word;
}

static __always_inline void pair_happened(__u64 cookie, const struct trace_target* target,
                                          __u64 identity, __u32 origin) {
  if (identity == 0) return;
  const struct trace_resource_key key = {
      .identity = identity, .table = target->table, .kind = PLUMB_PAIR_KIND(cookie)};
  if (PLUMB_PAIR_RELEASES(cookie)) {
    release_resource(&key);
    return;
  }
  const struct trace_resource row = {
      .origin = origin, .tid = (__u32)bpf_get_current_pid_tgid(), .weight = 1, .call = 0xffff};
  acquire_resource(&key, &row);
}

static __always_inline void pair_entered(const struct user_registers* at, __u64 cookie,
                                         const struct trace_target* target) {
  const __u64 argument = argument_of(at, PLUMB_PAIR_ARGUMENT(cookie));
  const bool releases = PLUMB_PAIR_RELEASES(cookie);
  const __u32 form = PLUMB_PAIR_FORM(cookie);
  __u64 back = 0;
  if (!read_word(&back, at->sp)) return;
  back = real_return(at->sp, back);
  if (from_inside(cookie, at->ip, back)) return;
  const __u32 origin = releases ? 0 : origin_of(target->space, 0xffff, PLUMB_PAIR_KIND(cookie));
  if (form == kPairArgument) {
    pair_happened(cookie, target, argument, origin);
  } else if (form == kPairPointedTo && releases) {
    pair_happened(cookie, target, word_at(cookie, argument), origin);
  } else {
    const struct pending_call call = {
        .sp = at->sp, .back = back, .cookie = cookie, .argument = argument, .origin = origin};
    push_call(&call);
  }
}

SEC("uprobe")
int pair__entered(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  pair_entered(at, bpf_get_attach_cookie(at), target);
  release_desk();
  return 0;
}

SEC("uprobe")
int pair__returned(struct user_registers* at) {
  const struct trace_target* target = probed_target();
  if (!target) return 0;
  const __u64 cookie = bpf_get_attach_cookie(at);
  struct pending_call call = {};
  if (pop_call(at->sp, cookie, &call)) {
    const __u32 form = PLUMB_PAIR_FORM(cookie);
    __u64 identity = at->ax;
    if (form == kPairIfZero) identity = (__u32)at->ax == 0 ? call.argument : 0;
    if (form == kPairPointedTo) identity = word_at(cookie, call.argument);
    pair_happened(cookie, target, identity, call.origin);
  }
  release_desk();
  return 0;
}

#endif
