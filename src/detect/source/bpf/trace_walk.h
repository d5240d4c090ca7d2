/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From the registers of a system call to the number of its stack. The walk follows unwind rules
 * that user space leaves in a map, one for each return address that was ever met, so it is exact
 * for code without frame pointers and two call sites never share a number. Where a rule is missing,
 * the stack's bytes go to user space, which finishes the walk and leaves the rules for the next
 * time. */
#ifndef PLUMB_TRACE_WALK_H
#define PLUMB_TRACE_WALK_H

#include "detect/source/bpf/trace_known.h"
#include "detect/source/bpf/trace_pending.h"
#include "detect/source/bpf/trace_python.h"
#include "detect/source/bpf/trace_v8.h"

struct walk {
  __u64 addresses[kTraceFrames];
  struct trace_registers registers;
  struct walk_words words;
  __u64 first_sp;
  __u64 bp_at; /* where bp was loaded from; 0: it still is the register */
  __u64 hash;
  __u32 frames;
  __u8 missing; /* ended for want of a rule */
  __u8 cut;
  __u8 watched; /* some of the thread's return addresses are not its own */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct walk);
} walks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceRules);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64);
  __type(value, struct trace_rule);
} rules SEC(".maps");

/* From the hash of kind, call and every return address to the origin's number. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceOrigins);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u64);
  __type(value, __u32);
} origins SEC(".maps");

__u32 next_origin = kTraceFirstOrigin;
const volatile __u32 most_origins = kTraceOrigins; /* fewer where user space wants so */

static __always_inline bool read_word(__u64* into, __u64 address) {
  return bpf_probe_read_user(into, sizeof(*into), (const void*)address) == 0;
}

/* The next frame is found by bp: the walk depends on where that came from. */
static __always_inline void use_bp(struct walk* w) {
  if (w->bp_at == 0) {
    w->words.bp_matters = 1;
  } else {
    note_word(&w->words, w->first_sp, w->bp_at, w->registers.bp, kKnownRelative);
  }
}

static __always_inline __u64 caller_at(struct walk* w, __u64 at, __u64 read) {
  if (!returns_watched || !w->watched) return read;
  const __u64 caller = real_return(at, read);
  if (caller != read) w->words.repeatable = 0;
  return caller;
}

static __always_inline bool unread(struct walk* w) {
  w->words.repeatable = 0;
  return false;
}

/* One frame outward. False at the end, where the walk says why it ended. */
static __always_inline bool step(struct walk* w, const struct trace_rule* rule) {
  struct trace_registers* r = &w->registers;
  __u64 cfa = 0;
  switch (rule->kind) {
    case kTraceRuleStack:
      cfa = r->sp + rule->cfa_offset;
      break;
    case kTraceRuleFrame:
      use_bp(w);
      cfa = r->bp + rule->cfa_offset;
      break;
    case kTraceRuleDeref:
      w->words.repeatable = 0;
      if (!read_word(&cfa, r->bp + rule->cfa_offset)) return false;
      if (!read_word(&r->bp, r->bp + rule->bp_offset)) return false;
      break;
    case kTraceRuleSignal: {
      /* struct ucontext's gregs: rbp at 120, rsp at 160, rip at 168 */
      const __u64 context = r->sp;
      w->words.repeatable = 0;
      if (!read_word(&r->bp, context + 120) || !read_word(&r->sp, context + 160)) return false;
      return read_word(&r->ip, context + 168);
    }
    case kTraceRuleCut:
      w->cut = 1;
      return false;
    default:
      return false;
  }
  if (cfa <= r->sp) return false;
  __u64 caller = 0;
  if (rule->kind != kTraceRuleDeref && rule->bp_offset == -16) {
    __u64 pair[2]; /* bp and the return address side by side: one read for both */
    if (bpf_probe_read_user(pair, sizeof(pair), (const void*)(cfa - 16)) != 0) return unread(w);
    caller = pair[1];
    r->bp = pair[0];
    w->bp_at = cfa - 16;
  } else {
    if (!read_word(&caller, cfa - 8)) return unread(w);
    if (rule->kind != kTraceRuleDeref && rule->bp_offset != 0) {
      if (!read_word(&r->bp, cfa + rule->bp_offset)) return unread(w);
      w->bp_at = cfa + rule->bp_offset;
    }
  }
  note_word(&w->words, w->first_sp, cfa - 8, caller, 0);
  caller = caller_at(w, cfa - 8, caller);
  if (caller == 0) return false;
  r->sp = cfa;
  r->ip = caller;
  return true;
}

/* The functions that are not static are verified once and not at every call, which is what keeps
 * the programs within the verifier's bound. */
__noinline int walk_stack(__u32 space) {
  const __u32 zero = 0;
  struct walk* w = bpf_map_lookup_elem(&walks, &zero);
  if (!w) return 0;
  __u64 hash = w->hash;
  __u32 i;
  w->missing = 0;
  w->cut = 1;
  for (i = 0; i < kTraceFrames; i++) {
    const __u64 pc = w->registers.ip;
    w->addresses[i] = pc;
    w->frames = i + 1;
    hash = mix(hash, pc);
    const __u64 key = PLUMB_RULE_KEY(space, pc);
    const struct trace_rule* rule = bpf_map_lookup_elem(&rules, &key);
    if (!rule) {
      w->missing = 1;
      w->cut = 0;
      break;
    }
    w->cut = 0;
    if (rule->bare && v8_spaces != 0) note_bare_frame(i, w->registers.bp);
    if (!step(w, rule)) break;
    w->cut = 1; /* stands where the loop ends by its bound */
  }
  w->hash = hash;
  return 0;
}

static __always_inline void fill_stack(struct trace_stack* event, const struct walk* w, __u32 space,
                                       __u16 call, __u8 kind) {
  const __u64 id = bpf_get_current_pid_tgid();
  event->head.type = kTraceEventStack;
  event->head.pid = id >> 32;
  event->head.tid = (__u32)id;
  event->head.space = space;
  event->head.time = bpf_ktime_get_boot_ns();
  event->call = call;
  event->kind = kind;
  event->cut = w->cut;
  event->frames = w->frames;
  event->copied = 0;
  event->registers = w->registers;
  event->aside = 0;
  event->aside_copied = 0;
  __builtin_memcpy(event->addresses, w->addresses, sizeof(event->addresses));
  event->python_frames = 0;
  event->v8_frames = 0;
}

/* Copies page by page, because a read that meets an unmapped page gets nothing at all. */
static __always_inline __u32 copy_stack(struct trace_stack_copy* event, __u64 from) {
  __u32 first = 4096 - (from & 4095);
  if (first == 0 || first > 4096) return 0;
  if (bpf_probe_read_user(event->bytes, first, (const void*)from) != 0) return 0;
  __u32 copied = first;
  for (int i = 0; i < kTraceCopyBytes / 4096 - 1; i++) {
    asm volatile("" : "+r"(copied)); /* keeps the compiler from making | of +, which has no bound */
    if (copied > kTraceCopyBytes - 4096) break;
    if (bpf_probe_read_user(event->bytes + copied, 4096, (const void*)(from + copied)) != 0) break;
    copied += 4096;
  }
  return copied;
}

/* A thread that runs on the stack of its signals (sigaltstack(2)). */
struct signal_stack {
  struct trace_stack_copy* event;
  __u64 base;
  __u64 size;
  __u64 interrupted; /* sp there, once it is found */
};

/* Whether the ucontext of a signal frame begins at a word of the copy: it names the signal stack
 * (uc_stack at 16), and its rsp (at 160) is on another one. */
static long find_interrupted(__u64 index, struct signal_stack* own) {
  struct trace_stack_copy* event = own->event;
  const __u32 at = (index * 8) & (kTraceCopyAside - 8);
  if (!event || at + 168 > event->stack.copied) return 1;
  const __u64 base = *(const __u64*)(event->bytes + at + 16);
  const __u64 size = *(const __u64*)(event->bytes + at + 32);
  const __u64 sp = *(const __u64*)(event->bytes + at + 160);
  if (base != own->base || size != own->size || sp - base < size) return 0;
  own->interrupted = sp;
  return 1;
}

/* The rest of the stack is where the signal came: without it the first walk would end here. */
static __always_inline void copy_aside(struct trace_stack_copy* event) {
  struct task_struct* task = bpf_get_current_task_btf();
  struct signal_stack own = {
      .event = event, .base = task->sas_ss_sp, .size = task->sas_ss_size, .interrupted = 0};
  if (own.size == 0 || event->stack.registers.sp - own.base >= own.size) return;
  bpf_loop(kTraceCopyAside / 8, find_interrupted, &own, 0);
  const __u64 from = own.interrupted;
  if (from == 0) return;
  const __u32 first = 4096 - (from & 4095);
  if (first == 0 || first > 4096) return;
  if (bpf_probe_read_user(event->bytes + kTraceCopyAside, first, (const void*)from) != 0) return;
  event->stack.aside = from;
  event->stack.aside_copied = first;
  if (event->stack.copied > kTraceCopyAside) event->stack.copied = kTraceCopyAside;
  if (bpf_probe_read_user(event->bytes + kTraceCopyAside + first, 4096,
                          (const void*)(from + first)) == 0) {
    event->stack.aside_copied = first + 4096;
  }
}

/* Puts the thread's own return addresses back into the copy of its stack. */
static long mend_one(__u64 index, struct trace_stack_copy** at) {
  const struct pending_calls* own = own_pending();
  struct trace_stack_copy* event = *at;
  if (!own || !event || index >= own->depth) return 1;
  const struct pending_call* call = &own->calls[index & (kTracePendingCalls - 1)];
  const __u64 back = call->back;
  __u64 offset = call->sp - event->stack.registers.sp;
  if (event->stack.aside != 0 && offset > kTraceCopyAside - 8) {
    offset = call->sp - event->stack.aside;
    if (offset > kTraceCopyBytes - kTraceCopyAside - 8) return 0;
    offset += kTraceCopyAside;
  }
  if (offset > kTraceCopyBytes - 8) return 0;
  __builtin_memcpy(event->bytes + (offset & (kTraceCopyBytes - 1)), &back, 8);
  return 0;
}

static __always_inline __u32 lose_stack(void) {
  count_loss(kTraceLossStacks);
  return kTraceStackLost;
}

/* The walk ended for want of a rule: which stack it is, user space will find out. */
static __always_inline __u32 origin_by_copy(const struct walk* w, __u32 space, __u16 call,
                                            __u8 kind) {
  if (next_origin >= most_origins) return lose_stack();
  /* The first copy of a path teaches what its successors lack. They must not crowd out the stacks
   * that need no copy any more, which come in thousands at once where a program is fast. */
  if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > kTraceRing / 2) return lose_stack();
  struct trace_stack_copy* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) return lose_stack();
  fill_stack(&event->stack, w, space, call, kind);
  fill_python(&event->stack);
  event->stack.copied = copy_stack(event, w->registers.sp);
  if (event->stack.python_frames == 0) {
    find_v8_frames(event, space);
    fill_v8(&event->stack);
  }
  copy_aside(event);
  if (returns_watched && w->watched) {
    struct trace_stack_copy* copy = event;
    bpf_loop(kTracePendingCalls, mend_one, &copy, 0);
  }
  const __u32 id = __sync_fetch_and_add(&next_origin, 1);
  event->stack.origin = id < most_origins ? id : kTraceStackLost;
  const __u32 given = event->stack.origin;
  bpf_ringbuf_submit(event, 0);
  return given;
}

static __always_inline __u32 send_walk(struct trace_stack* event, const struct walk* w, __u32 space,
                                       __u16 call, __u8 kind, bool scripts) {
  if (!event) return lose_stack();
  __u32 id = __sync_fetch_and_add(&next_origin, 1);
  const __u64 hash = w->hash;
  if (id >= most_origins || bpf_map_update_elem(&origins, &hash, &id, BPF_NOEXIST) != 0) {
    bpf_ringbuf_discard(event, 0);
    const __u32* known = bpf_map_lookup_elem(&origins, &hash); /* another thread was first */
    return known ? *known : lose_stack();
  }
  fill_stack(event, w, space, call, kind);
  if (scripts) {
    fill_python(event);
    if (event->python_frames == 0) fill_v8(event);
  }
  event->origin = id;
  bpf_ringbuf_submit(event, 0);
  return id;
}

static __always_inline __u32 origin_by_walk(const struct walk* w, __u32 space, __u16 call,
                                            __u8 kind) {
  if (next_origin >= most_origins) return lose_stack();
  /* The last eighth is for forks and exits, without which the numbers of all are wrong. */
  if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > kTraceRing / 8 * 7) return lose_stack();
  if (has_python_frames() || has_v8_frames()) {
    struct trace_stack* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    return send_walk(event, w, space, call, kind, true);
  }
  struct trace_stack* event = bpf_ringbuf_reserve(&events, kTraceShortStack, 0);
  return send_walk(event, w, space, call, kind, false);
}

/* The origin's number of what the current thread does, which is in a system call. */
__noinline int origin_of(__u32 space, __u32 call, __u32 kind) {
  const int met = known_origin(space, call, kind);
  if (met != 0) return met;
  const __u32 zero = 0;
  struct walk* w = bpf_map_lookup_elem(&walks, &zero);
  struct task_struct* task = bpf_get_current_task_btf();
  struct pt_regs* regs = (struct pt_regs*)bpf_task_pt_regs(task);
  if (!w) return kTraceStackLost;
  w->registers.ip = regs->ip;
  w->registers.sp = regs->sp;
  w->registers.bp = regs->bp;
  w->registers.bx = regs->bx;
  w->registers.r12 = regs->r12;
  w->registers.r13 = regs->r13;
  w->registers.r14 = regs->r14;
  w->registers.r15 = regs->r15;
  w->hash = mix((__u64)space << 32 | (call & 0xffff) << 8 | (kind & 0xff), 0);
  w->first_sp = regs->sp;
  w->watched = returns_watched && own_pending() != 0;
  w->bp_at = 0;
  w->words.count = 0;
  w->words.bytes = 0;
  w->words.bp_matters = 0;
  w->words.repeatable = 1;
  w->words.bp = regs->bp - regs->sp;
  const __u32 generation = rules_generation;
  if (v8_spaces != 0) begin_v8();
  walk_stack(space);
  w->hash = walk_python(space, w->hash);
  if (runs_python(space)) w->words.repeatable = 0;
  if (v8_spaces != 0) w->hash = walk_v8(space, w->hash);
  if (has_v8_frames()) w->words.repeatable = 0;
  if (w->missing) return origin_by_copy(w, space, call, kind);
  const __u64 hash = w->hash;
  const __u32* known = bpf_map_lookup_elem(&origins, &hash);
  const __u32 origin = known ? *known : origin_by_walk(w, space, call, kind);
  if (origin >= kTraceFirstOrigin)
    keep_walk(&w->words, space, regs->ip, regs->sp, generation, call, kind, origin);
  return origin;
}

#endif
