/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The Python frames of the current thread. It is in a system call, so its chain of interpreter
 * frames stands still: what is taken down here is exact, whichever thread holds the interpreter's
 * lock. User space says in which address spaces an interpreter runs and how it is laid out. Costs
 * one comparison where no target runs one. */
#ifndef PLUMB_TRACE_PYTHON_H
#define PLUMB_TRACE_PYTHON_H

#include "detect/source/bpf/trace_core.h"

enum {
  kPythonThreads = 512,   /* thread states that are looked at to find a thread's own */
  kPythonFrameWords = 16, /* of an interpreter frame, as far as its layout is of interest */
  kPythonFrameBytes = 72,
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kTraceProcesses);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32); /* address space */
  __type(value, struct trace_python);
} pythons SEC(".maps");

/* Where a thread's state was found. Believed only while it still carries the thread's number. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, __u32); /* thread */
  __type(value, __u64);
} python_threads SEC(".maps");

struct python_walk {
  struct trace_python_frame frames[kTracePythonFrames];
  __u64 words[kPythonFrameWords];
  __u32 count;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct python_walk);
} python_walks SEC(".maps");

__u32 python_spaces; /* how many address spaces run one */

/* Such a stack depends on more than the machine's. */
static __always_inline bool runs_python(__u32 space) {
  return python_spaces != 0 && bpf_map_lookup_elem(&pythons, &space);
}

struct upid {
  int nr;
  void* ns;
};
struct pid {
  unsigned int level;
  struct upid numbers[1];
} PLUMB_CORE;
struct task_struct___numbers {
  struct pid* thread_pid;
} PLUMB_CORE;

/* What gettid(2) answers to the thread itself, in its own pid namespace. */
static __always_inline __u64 own_thread_number(void) {
  struct task_struct___numbers* task = (void*)bpf_get_current_task_btf();
  struct pid* pid = BPF_CORE_READ(task, thread_pid);
  const __u32 level = BPF_CORE_READ(pid, level);
  const struct upid* numbers = __builtin_preserve_access_index(&pid->numbers[0]);
  __s32 number = 0;
  bpf_probe_read_kernel(&number, sizeof(number), &numbers[level].nr);
  return number;
}

static __always_inline __u64 python_word(__u64 address) {
  __u64 word = 0;
  bpf_probe_read_user(&word, sizeof(word), (const void*)address);
  return word;
}

/* A state runs no frame while its thread is being made, and carries its maker's number until then
 * (CPython 3.11, init_threadstate): the maker's own one stands behind it in the list. */
static __always_inline bool runs_frames(const struct trace_python* where, __u64 thread) {
  const __u64 run = python_word(thread + where->thread_cframe);
  return python_word(run + where->cframe_current_frame) != 0;
}

/* PyThreadState of the current thread; 0: it has none, or too many come before it. */
__noinline __u64 python_thread(__u32 space) {
  const struct trace_python* where = bpf_map_lookup_elem(&pythons, &space);
  if (!where) return 0;
  const __u64 number = own_thread_number();
  const __u32 tid = (__u32)bpf_get_current_pid_tgid();
  const __u64* known = bpf_map_lookup_elem(&python_threads, &tid);
  if (known && python_word(*known + where->thread_native_id) == number) return *known;
  __u64 interpreter = python_word(where->interpreters);
  __u64 thread = python_word(interpreter + where->interpreter_threads_head);
  for (__u32 i = 0; i < kPythonThreads && interpreter != 0; i++) {
    if (thread == 0) {
      interpreter = python_word(interpreter + where->interpreter_next);
      thread = python_word(interpreter + where->interpreter_threads_head);
      continue;
    }
    if (python_word(thread + where->thread_native_id) == number && runs_frames(where, thread)) {
      bpf_map_update_elem(&python_threads, &tid, &thread, BPF_ANY);
      return thread;
    }
    thread = python_word(thread + where->thread_next);
  }
  return 0;
}

static __always_inline __u64 frame_word(const struct python_walk* w, __u32 offset) {
  return w->words[offset / 8 & (kPythonFrameWords - 1)] >> (offset % 8 * 8);
}

/* Takes the frames down, innermost first, and answers with `hash` after all of them. */
__noinline __u64 walk_python(__u32 space, __u64 hash) {
  const __u32 zero = 0;
  struct python_walk* w = bpf_map_lookup_elem(&python_walks, &zero);
  if (!w) return hash;
  w->count = 0;
  if (python_spaces == 0) return hash;
  const struct trace_python* where = bpf_map_lookup_elem(&pythons, &space);
  if (!where) return hash;
  const __u64 thread = python_thread(space);
  if (thread == 0) return hash;
  const __u64 run = python_word(thread + where->thread_cframe);
  __u64 frame = python_word(run + where->cframe_current_frame);
  for (__u32 i = 0; i < kTracePythonFrames && frame != 0; i++) {
    if (bpf_probe_read_user(w->words, kPythonFrameBytes, (const void*)frame) != 0) break;
    const __u64 code = frame_word(w, where->frame_code);
    const __u64 instruction = frame_word(w, where->frame_prev_instr);
    const __u64 entry = frame_word(w, where->frame_is_entry) & 0xff;
    w->frames[i].code = code;
    w->frames[i].instruction = instruction | (entry != 0);
    w->count = i + 1;
    hash = mix(mix(hash, code), instruction);
    frame = frame_word(w, where->frame_previous);
  }
  return hash;
}

/* Whether the walk that was just made met any. */
static __always_inline bool has_python_frames(void) {
  const __u32 zero = 0;
  const struct python_walk* w = bpf_map_lookup_elem(&python_walks, &zero);
  return w && w->count != 0;
}

static __always_inline void fill_python(struct trace_stack* event) {
  const __u32 zero = 0;
  const struct python_walk* w = bpf_map_lookup_elem(&python_walks, &zero);
  if (!w || w->count == 0) return;
  event->python_frames = w->count;
  bpf_probe_read_kernel(event->python, sizeof(event->python), w->frames);
}

#endif
