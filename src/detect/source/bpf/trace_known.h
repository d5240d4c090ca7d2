/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Walks that were made before. A walk is a function of the registers' ip and of the stack's words
 * that it read: where they are the same again, and the rules too, so is the stack. Asking costs one
 * read of user memory and a comparison a word, against a look into the rules and a read a frame: of
 * seven frames 0.1 us instead of 0.6. Exact: nothing is hashed that is not compared.
 *
 * Each processor has its own, so nothing is locked; a program does not interrupt itself there. */
#ifndef PLUMB_TRACE_KNOWN_H
#define PLUMB_TRACE_KNOWN_H

#include "detect/source/bpf/trace_desk.h"

enum {
  kKnownWords = 56,         /* words of one walk; a deeper one is made anew each time */
  kKnownBytes = kDeskBytes, /* of the stack, from sp on, in which they lie */
  kKnownSets = 64,
  kKnownWays = 4, /* walks that differ only further out share a set */
  kKnownRelative = 1,
};

/* The words that a walk depended on. A return address counts as it is, a frame pointer as its
 * distance from sp, so that threads and goroutines share what they do alike. */
struct walk_words {
  __u64 values[kKnownWords];
  __u16 offsets[kKnownWords]; /* from sp, or kKnownRelative: words lie at multiples of 8 */
  __u32 count;
  __u16 bytes;     /* the end of the last one, from sp */
  __u8 bp_matters; /* the walk used the register before it loaded it */
  __u8 repeatable; /* the words are all that it depended on */
  __u64 bp;        /* the register, from sp */
};

struct known_walk {
  struct walk_words words;
  __u64 ip;
  __u32 space;
  __u32 generation;
  __u32 origin; /* 0: empty */
  __u16 call;
  __u8 kind;
  __u8 pad;
};

struct known_set {
  struct known_walk ways[kKnownWays];
  __u32 next; /* to be replaced */
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kKnownSets);
  __type(key, __u32);
  __type(value, struct known_set);
} known_walks SEC(".maps");

/* User space counts it up when it took rules back; walks by older rules are forgotten so. */
__u32 rules_generation = 0;

/* Takes down that the walk which began at sp read `value` at an address. */
static __always_inline void note_word(struct walk_words* words, __u64 sp, __u64 address,
                                      __u64 value, __u16 relative) {
  const __u64 offset = address - sp;
  const __u32 at = words->count;
  if (offset > kKnownBytes - 8 || (offset & 7) != 0 || at >= kKnownWords) {
    words->repeatable = 0;
    return;
  }
  words->values[at] = relative ? value - sp : value;
  words->offsets[at] = offset | relative;
  words->count = at + 1;
  if (offset + 8 > words->bytes) words->bytes = offset + 8;
}

/* Which set: goroutines' and threads' stacks begin at round addresses, so the lower bits of sp are
 * the same wherever the same functions were called. */
static __always_inline struct known_set* known_set_of(__u32 space, __u64 ip, __u64 sp) {
  const __u32 index = mix(mix(ip, space), sp & 0x7ff) & (kKnownSets - 1);
  return bpf_map_lookup_elem(&known_walks, &index);
}

static __always_inline bool same_words(const struct known_walk* known, const __u8* bytes,
                                       __u64 sp) {
  for (__u32 i = 0; i < kKnownWords; i++) {
    if (i >= known->words.count) return true;
    const __u16 offset = known->words.offsets[i];
    const __u64 base = sp & -(__u64)(offset & kKnownRelative);
    const __u64 word = *(const __u64*)(bytes + (offset & (kKnownBytes - 8)));
    if (word - base != known->words.values[i]) return false;
  }
  return true;
}

/* The origin of the stack at these registers, if it is one of the known; 0 if not. */
__noinline int known_origin(__u32 space, __u32 call, __u32 kind) {
  struct desk* room = desk();
  struct task_struct* task = bpf_get_current_task_btf();
  const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(task);
  const __u64 ip = regs->ip;
  const __u64 sp = regs->sp;
  const __u64 bp = regs->bp - sp;
  struct known_set* set = known_set_of(space, ip, sp);
  if (!set || !room) return 0;
  __u32 have = 0;
  for (__u32 way = 0; way < kKnownWays; way++) {
    const struct known_walk* known = &set->ways[way];
    if (known->ip != ip || known->space != space || known->origin == 0 ||
        known->generation != rules_generation || known->call != call || known->kind != kind ||
        (known->words.bp_matters && known->words.bp != bp)) {
      continue;
    }
    const __u32 bytes = known->words.bytes;
    if (bytes > have) {
      if (bytes > kKnownBytes || bpf_probe_read_user(room->bytes, bytes, (const void*)sp) != 0) {
        continue;
      }
      have = bytes;
    }
    if (same_words(known, room->bytes, sp)) return known->origin;
  }
  return 0;
}

static __always_inline void keep_walk(const struct walk_words* words, __u32 space, __u64 ip,
                                      __u64 sp, __u32 generation, __u16 call, __u8 kind,
                                      __u32 origin) {
  struct known_set* set = known_set_of(space, ip, sp);
  if (!set || !words->repeatable) return;
  const __u32 way = set->next & (kKnownWays - 1);
  set->next = way + 1;
  struct known_walk* known = &set->ways[way];
  known->words = *words;
  known->ip = ip;
  known->space = space;
  known->generation = generation;
  known->origin = origin;
  known->call = call;
  known->kind = kind;
}

#endif
