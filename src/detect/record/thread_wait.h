// SPDX-License-Identifier: Apache-2.0
// What a thread's wait adds to its blocking call: what stands in its memory behind the arguments,
// where in the kernel it sleeps, and who has the file locks that others want.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/descriptor.h"
#include "detect/record/text_pool.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// A row of Survey::threads.
enum class ThreadIndex : std::uint32_t {};

// One descriptor of a poll or select set.
struct PolledFd {
  Fd fd{};
  std::uint16_t events = 0;  // POLL*; those of a select are translated
};

// The word that a futex call waits on. Where it belongs to a mutex of glibc, the owner's thread
// number stands eight bytes behind it (struct __pthread_mutex_s).
struct FutexWord {
  std::uint32_t value = 0;
  std::optional<std::uint32_t> third;  // the word at +8; unknown where it cannot be read
};

// Memory is read between two looks at the call, which must be the same one, so that a list belongs
// to the call that it is told of.
struct ThreadWait {
  ThreadIndex thread{};
  TextRef kernel_function;       // wchan: "do_poll"; empty where the kernel does not say
  bool listed = false;           // `polled` is the list of poll, ppoll, select or pselect6
  std::vector<PolledFd> polled;  // in the list's order, without its negative entries
  std::uint32_t polled_cut = 0;  // entries that were not read: the list is longer than is sane
  std::optional<std::chrono::nanoseconds> timeout;    // as passed: how long at most
  std::optional<std::chrono::nanoseconds> remaining;  // until an absolute expiry; < 0: passed
  std::optional<FutexWord> futex;
};

// A lock that somebody has on a file which somebody else wants (flock(2), fcntl(2)).
struct FileLock {
  enum class Sort : std::uint8_t { kFlock, kPosix, kOpenFile };
  Sort sort = Sort::kFlock;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  std::optional<Pid> taker;            // who took it, which a lock of an open file does not know
  std::vector<DescriptorIndex> holds;  // descriptors of the open file that has it
  std::vector<Pid> waiters;            // processes that wait for this very lock; 0: not known
};

}  // namespace plumb::detect
