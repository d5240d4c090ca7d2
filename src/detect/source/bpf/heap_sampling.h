/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which blocks of a heap are looked at, and how many each stands for; used by the tracing programs,
 * by the sampler within a program, and by tests.
 *
 * Marks lie on the bytes that a program allocates, at distances that are drawn from the exponential
 * distribution with the mean M, so that a mark lies on each byte with the same chance 1/M whatever
 * was allocated before (a Poisson process; it is how tcmalloc and Go sample). A block of s < M
 * bytes is looked at when marks lie on it. k marks stand for k*M bytes and k*M/s blocks: their
 * expectations are s and 1, so that sums over any set of blocks are unbiased. A block of M bytes or
 * more is always looked at and stands for itself. */
#ifndef PLUMB_HEAP_SAMPLING_H
#define PLUMB_HEAP_SAMPLING_H

#include <linux/types.h>

enum { kHeapMostMarks = 64 }; /* on one block; 64 on less than a mean have no chance to happen */

/* Leading zeros of a number that is not 0. Written out, because BPF has no instruction for it. */
static inline __u32 heap_leading_zeros(__u32 value) {
  __u32 zeros = 0;
  if (value <= 0x0000ffff) {
    zeros += 16;
    value <<= 16;
  }
  if (value <= 0x00ffffff) {
    zeros += 8;
    value <<= 8;
  }
  if (value <= 0x0fffffff) {
    zeros += 4;
    value <<= 4;
  }
  if (value <= 0x3fffffff) {
    zeros += 2;
    value <<= 2;
  }
  if (value <= 0x7fffffff) zeros += 1;
  return zeros;
}

/* The distance to the next mark, from a random number: -ln(u) * mean, for u = random / 2^32. The
 * logarithm is a parabola between powers of two, 0.8 % wrong at most and right on average. */
static inline __u64 heap_step(__u32 random, __u64 mean) {
  const __u32 seed = random | 1;
  const __u32 zeros = heap_leading_zeros(seed);
  const __u64 fraction = ((seed << zeros) & 0x7fffffff) >> 15; /* 16 bits of the mantissa */
  const __u64 bend = (((fraction * (65536 - fraction)) >> 16) * 22518) >> 16;
  const __u64 doublings = ((__u64)(zeros + 1) << 16) - fraction - bend; /* -log2(u), 16.16 */
  return ((doublings * 45426) >> 16) * mean >> 16;                      /* ln 2 */
}

struct heap_sample {
  __u64 bytes; /* 0: not looked at */
  __u64 blocks;
};

/* What a block with `marks` marks on it stands for. The fraction of a block is rounded up with its
 * own chance, so that the expectation stays. */
static inline struct heap_sample heap_stands_for(__u64 size, __u64 mean, __u32 marks,
                                                 __u32 random) {
  struct heap_sample sample = {size, 1};
  if (size >= mean || size == 0) return sample;
  sample.bytes = marks * mean;
  sample.blocks = sample.bytes / size;
  if (random % size < sample.bytes % size) sample.blocks++;
  return sample;
}

#endif
