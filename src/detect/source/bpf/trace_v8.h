/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The JavaScript functions of the current thread's stack. V8's code keeps frame pointers, and the
 * function lies at a fixed distance from them: it is taken down while the thread is in its system
 * call, because the collector moves functions. User space says in which address spaces V8 runs and
 * how it is laid out, and which code has no unwind table, which is all that V8 ever makes. Costs
 * one comparison where no target runs V8. */
#ifndef PLUMB_TRACE_V8_H
#define PLUMB_TRACE_V8_H

#include "detect/source/bpf/trace_core.h"

enum {
  kV8DeepestFrame = 1 << 20, /* bytes between two frame pointers, at most */
  kV8ByPointer = 0xffff,     /* for the index of a frame that is found by its frame pointer */
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32); /* address space */
  __type(value, struct trace_v8);
} v8s SEC(".maps");

struct v8_walk {
  struct trace_v8_frame frames[kTraceV8Frames];
  __u64 pointers[kTraceV8Frames]; /* frame pointers of code without unwind table, as walked */
  __u16 at[kTraceV8Frames];       /* their frames' indices */
  struct trace_v8 where;
  __u32 bare;  /* of the two above */
  __u32 count; /* of frames */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct v8_walk);
} v8_walks SEC(".maps");

__u32 v8_spaces; /* how many address spaces run one */

static __always_inline struct v8_walk* v8_walk(void) {
  const __u32 zero = 0;
  return bpf_map_lookup_elem(&v8_walks, &zero);
}

/* Pointers into V8's heap have the low bits 01, its small integers and marks an even number. */
static __always_inline bool is_heap_pointer(__u64 word) {
  return (word & 3) == 1 && word >> 47 == 0 && word > 4096;
}

static __always_inline __u64 v8_word(__u64 address) {
  __u64 word = 0;
  bpf_probe_read_user(&word, sizeof(word), (const void*)address);
  return word;
}

/* Where a frame's function says what it is made of: its SharedFunctionInfo, or 0. */
static __always_inline __u64 shared_of(const struct trace_v8* where, __u64 function) {
  const __u64 shared = v8_word(function - 1 + where->function_shared);
  if (!is_heap_pointer(shared)) return 0;
  const __u64 map = v8_word(shared - 1 + where->object_map);
  if (!is_heap_pointer(map)) return 0;
  const __u16 type = v8_word(map - 1 + where->map_type);
  return type == where->shared_type ? shared : 0;
}

static __always_inline void describe_shared(const struct trace_v8* where, __u64 shared,
                                            struct trace_v8_frame* frame) {
  frame->shared = shared;
  frame->script = v8_word(shared - 1 + where->shared_script);
  frame->shape = v8_word(shared - 1 + where->shared_shape) << 16;
  frame->identity = v8_word(shared - 1 + where->shared_identity);
  frame->pointer = 0;
}

/* Remembers a frame that may be V8's. */
static __always_inline void note_bare_frame(__u32 index, __u64 bp) {
  struct v8_walk* v = v8_walk();
  if (!v) return;
  const __u32 at = v->bare;
  if (at >= kTraceV8Frames) return;
  v->pointers[at] = bp;
  v->at[at] = index;
  v->bare = at + 1;
}

static __always_inline void begin_v8(void) {
  struct v8_walk* v = v8_walk();
  if (!v) return;
  v->bare = 0;
  v->count = 0;
}

/* Takes down the functions of the frames that were walked, innermost first, and answers with `hash`
 * after all of them. */
__noinline __u64 walk_v8(__u32 space, __u64 hash) {
  struct v8_walk* v = v8_walk();
  const struct trace_v8* where = bpf_map_lookup_elem(&v8s, &space);
  if (!v || !where) return hash;
  for (__u32 i = 0; i < kTraceV8Frames; i++) {
    if (i >= v->bare) break;
    const __u64 bp = v->pointers[i];
    const __u64 function = v8_word(bp + where->frame_function);
    const __u64 context = v8_word(bp + where->frame_context);
    if (!is_heap_pointer(function) || !is_heap_pointer(context)) continue;
    const __u64 shared = shared_of(where, function);
    const __u32 count = v->count;
    if (shared == 0 || count >= kTraceV8Frames) continue;
    struct trace_v8_frame* frame = &v->frames[count];
    describe_shared(where, shared, frame);
    hash = mix(mix(hash, shared), frame->script);
    hash = mix(mix(hash, frame->shape), frame->identity);
    frame->shape |= v->at[i];
    v->count = count + 1;
  }
  return hash;
}

static __always_inline bool has_v8_frames(void) {
  if (v8_spaces == 0) return false;
  const struct v8_walk* v = v8_walk();
  return v && v->count != 0;
}

/* Whether a JavaScript frame's pointer is at a word of the copy. Which of those that look like one
 * are frames the walk through the copy says. */
static long find_v8_frame(__u64 index, struct trace_stack_copy** copy) {
  struct trace_stack_copy* event = *copy;
  struct v8_walk* v = v8_walk();
  const __u32 at = (index * 8) & (kTraceCopyBytes - 8);
  if (!event || !v || at + 8 > event->stack.copied || v->count >= kTraceV8Frames) return 1;
  const struct trace_v8* where = &v->where;
  const __u64 pointer = event->stack.registers.sp + at;
  const __u64 outer = *(const __u64*)(event->bytes + at);
  if (outer <= pointer || outer - pointer > kV8DeepestFrame) return 0;
  const __u32 function_at = at + where->frame_function;
  const __u32 context_at = at + where->frame_context;
  if (function_at > at || context_at > at) return 0; /* below the copy */
  const __u64 function = *(const __u64*)(event->bytes + (function_at & (kTraceCopyBytes - 8)));
  const __u64 context = *(const __u64*)(event->bytes + (context_at & (kTraceCopyBytes - 8)));
  if (!is_heap_pointer(function) || !is_heap_pointer(context)) return 0;
  const __u64 shared = shared_of(where, function);
  const __u32 count = v->count;
  if (shared == 0 || count >= kTraceV8Frames) return 0;
  describe_shared(where, shared, &v->frames[count]);
  v->frames[count].shape |= kV8ByPointer;
  v->frames[count].pointer = at;
  v->count = count + 1;
  return 0;
}

/* The functions in the part of a stack that the kernel side does not walk: they must be taken down
 * now. */
static __always_inline void find_v8_frames(struct trace_stack_copy* event, __u32 space) {
  if (v8_spaces == 0) return;
  const struct trace_v8* where = bpf_map_lookup_elem(&v8s, &space);
  struct v8_walk* v = v8_walk();
  if (!where || !v) return;
  v->where = *where;
  struct trace_stack_copy* copy = event;
  bpf_loop(kTraceCopyBytes / 8, find_v8_frame, &copy, 0);
}

static __always_inline void fill_v8(struct trace_stack* event) {
  if (v8_spaces == 0) return;
  const struct v8_walk* v = v8_walk();
  if (!v || v->count == 0) return;
  event->v8_frames = v->count;
  bpf_probe_read_kernel(event->v8, sizeof(event->v8), v->frames);
}

#endif
