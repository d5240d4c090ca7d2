// SPDX-License-Identifier: Apache-2.0
// The heap sampler: a library that `plumb trace --heap -- CMD` puts before the program's allocator
// (LD_PRELOAD). It counts the bytes of each thread, chooses blocks by them (heap_sampling.h) and
// calls plumb_sampled_block() and plumb_sampled_free() for those alone. These do nothing: the
// tracing programs hook them. So a malloc costs some nanoseconds instead of a trap.
//
// It allocates nothing, takes no lock, writes nowhere, and needs the C library alone. Works on
// whatever allocator is next in the order of lookup: the C library's, jemalloc, mimalloc, tcmalloc.
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>

#include "detect/source/bpf/heap_sampling.h"

#define PLUMB_EXPORT extern "C" [[gnu::visibility("default")]]

// The hooked functions. Their caller is the program's own code, because the allocation functions
// below jump to them.
PLUMB_EXPORT [[gnu::noipa]] void* plumb_sampled_block(void* block, std::uint64_t blocks,
                                                      std::uint64_t bytes) {
  asm volatile("" : : "r"(blocks), "r"(bytes));
  return block;
}
PLUMB_EXPORT [[gnu::noipa]] void plumb_sampled_free(void* block) {
  asm volatile("" : : "r"(block));
}
PLUMB_EXPORT [[gnu::noipa]] void* plumb_sampled_lost(void* block) {
  asm volatile("" : : "r"(block));
  return block;
}
// Code came or went: what plumb knows of the address space may be stale.
PLUMB_EXPORT [[gnu::noipa]] int plumb_sampled_code(int result) {
  asm volatile("" : : "r"(result));
  return result;
}

namespace {

using Word = std::uint64_t;

// What was sampled and lives: 1 Mi places, in buckets of one cache line, of which the pages that
// are used take memory. They hold addresses with all bits turned, so that the table leads nobody to
// a block. A byte for each of 32 Ki groups of addresses says that there may be one, so that almost
// every free looks at one byte.
constexpr unsigned kBuckets = 131072;
constexpr unsigned kWays = 8;
constexpr unsigned kReach = 4;  // buckets that are tried
constexpr unsigned kFilter = 32768;
std::atomic<Word> places[kBuckets * kWays];
std::atomic<unsigned char> filter[kFilter];  // 255: has overflowed, stays

std::uint64_t mean = 512 * 1024;
bool wipes = false;                          // what is freed
constexpr std::size_t kMostWiped = 1 << 20;  // of a block: more may never have been touched

struct Thread {
  std::int64_t left;  // bytes until the next mark
  std::uint64_t random;
  unsigned inside;  // within an allocation function that is built on another one
};
// The model for libraries that are there from the start: one instruction and no call.
[[gnu::tls_model("initial-exec")]] thread_local Thread own;

// While dlsym() looks the next functions up it may allocate.
alignas(16) char early[65536];
std::atomic<std::size_t> early_used;

bool is_early(const void* block) {
  return block >= early && block < early + sizeof early;
}

void* early_block(std::size_t size) {
  const std::size_t whole = (size + 31) & ~std::size_t{15};
  const std::size_t at = early_used.fetch_add(whole);
  if (whole < size || at + whole > sizeof early) ::_exit(127);
  *reinterpret_cast<std::size_t*>(early + at) = size;
  return early + at + 16;
}

using Allocate = void* (*)(std::size_t);
using AllocateMany = void* (*)(std::size_t, std::size_t);
using Reallocate = void* (*)(void*, std::size_t);
using AllocateInto = int (*)(void**, std::size_t, std::size_t);
using Free = void (*)(void*);
using Measure = std::size_t (*)(void*);

struct Next {
  Allocate malloc;
  AllocateMany calloc;
  Reallocate realloc;
  Free free;
  AllocateMany aligned_alloc;
  AllocateMany memalign;
  AllocateInto posix_memalign;
  Allocate valloc;
  Allocate pvalloc;
  Measure malloc_usable_size;
} next;
std::atomic<bool> ready;
thread_local bool looking [[gnu::tls_model("initial-exec")]];

template <typename Function>
void find(Function& into, const char* name) {
  into = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// False while this very thread looks them up.
[[gnu::cold, gnu::noinline]] bool look_up() {
  if (looking) return false;
  looking = true;
  Next found{};
  find(found.malloc, "malloc");
  find(found.calloc, "calloc");
  find(found.realloc, "realloc");
  find(found.free, "free");
  find(found.aligned_alloc, "aligned_alloc");
  find(found.memalign, "memalign");
  find(found.posix_memalign, "posix_memalign");
  find(found.valloc, "valloc");
  find(found.pvalloc, "pvalloc");
  find(found.malloc_usable_size, "malloc_usable_size");
  if (const char* text = ::getenv("PLUMB_HEAP_MEAN")) {
    const auto asked = ::strtoull(text, nullptr, 10);
    if (asked >= 1) mean = asked;
  }
  wipes = ::getenv("PLUMB_HEAP_WIPE") != nullptr && found.malloc_usable_size != nullptr;
  if (!ready.load(std::memory_order_acquire)) {
    next = found;  // two threads write the same
    ready.store(true, std::memory_order_release);
  }
  looking = false;
  return true;
}

inline bool is_ready() {
  return __builtin_expect(ready.load(std::memory_order_acquire), 1) || look_up();
}

// By now everything that the program is linked with is mapped.
[[gnu::constructor]] void begin() {
  (void)look_up();
  (void)plumb_sampled_code(0);
}

Word mixed(const void* block) {
  return (reinterpret_cast<Word>(block) >> 4) * 0x9e3779b97f4a7c15U;
}
std::atomic<unsigned char>& filter_of(Word mix) {
  return filter[mix >> 49];
}

// False where there is no place.
bool remember(void* block) {
  const Word mix = mixed(block);
  for (unsigned i = 0; i < kReach * kWays; ++i) {
    auto& place = places[((mix >> 32) * kWays + i) % (kBuckets * kWays)];
    Word empty = 0;
    if (!place.compare_exchange_strong(empty, ~reinterpret_cast<Word>(block))) continue;
    auto& may = filter_of(mix);
    unsigned char count = may.load();
    while (count != 255 &&
           !may.compare_exchange_weak(count, static_cast<unsigned char>(count + 1))) {
    }
    return true;
  }
  return false;
}

// Whether the block was sampled; it is no longer.
[[gnu::noinline]] bool forget(void* block) {
  const Word mix = mixed(block);
  for (unsigned i = 0; i < kReach * kWays; ++i) {
    auto& place = places[((mix >> 32) * kWays + i) % (kBuckets * kWays)];
    Word known = ~reinterpret_cast<Word>(block);
    if (place.load(std::memory_order_relaxed) != known) continue;
    if (!place.compare_exchange_strong(known, 0)) continue;
    auto& may = filter_of(mix);
    unsigned char count = may.load();
    while (count != 255 &&
           !may.compare_exchange_weak(count, static_cast<unsigned char>(count - 1))) {
    }
    return true;
  }
  return false;
}

std::uint32_t random_number() {
  std::uint64_t& x = own.random;  // xorshift64*
  if (x == 0) x = reinterpret_cast<std::uintptr_t>(&own) ^ __builtin_ia32_rdtsc() ^ 1;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  return static_cast<std::uint32_t>((x * 0x2545f4914f6cdd1dU) >> 32);
}

// A thread's first call comes here too, because it begins with nothing left.
[[gnu::cold, gnu::noinline]] void* sample(void* block, std::size_t size) {
  unsigned marks = 0;
  if (size >= mean) {
    own.left += static_cast<std::int64_t>(size);
    marks = 1;
  } else {
    if (own.random == 0) {
      own.left += static_cast<std::int64_t>(heap_step(random_number(), mean));
    }
    for (; own.left < 0 && marks < kHeapMostMarks; ++marks) {
      own.left += static_cast<std::int64_t>(heap_step(random_number(), mean));
    }
  }
  if (block == nullptr || marks == 0) return block;
  const heap_sample stands = heap_stands_for(size, mean, marks, random_number());
  if (!remember(block)) return plumb_sampled_lost(block);
  return plumb_sampled_block(block, stands.blocks, stands.bytes);
}

inline void* counted(void* block, std::size_t size) {
  const auto bytes = static_cast<std::int64_t>(size);
  if (own.inside != 0) return block;
  own.left -= bytes;
  if (__builtin_expect(own.left < 0 || size >= mean, 0)) return sample(block, size);
  return block;
}

inline void leaving(void* block) {
  if (__builtin_expect(filter_of(mixed(block)).load(std::memory_order_relaxed) == 0, 1)) return;
  if (block != nullptr && forget(block)) plumb_sampled_free(block);
}

// Before it is freed. The allocator's own marks stand elsewhere, or are written afterwards.
inline void wipe(void* block) {
  if (__builtin_expect(!wipes, 1) || block == nullptr) return;
  const std::size_t size = next.malloc_usable_size(block);
  __builtin_memset(block, 0, size < kMostWiped ? size : kMostWiped);
}

// operator new and delete of an allocator that brings its own; the C++ library's are built on
// malloc. Looked up when they are first called: the C++ library may come later than this one.
void* newed(std::atomic<Allocate>& known, const char* name, std::size_t size) {
  Allocate make = known.load(std::memory_order_relaxed);
  if (make == nullptr) {
    find(make, name);
    if (make == nullptr) make = ::malloc;
    known.store(make, std::memory_order_relaxed);
  }
  ++own.inside;
  void* block = make(size);
  --own.inside;
  if (block == nullptr) ::abort();
  return block;
}

void deleted(std::atomic<Free>& known, const char* name, void* block) {
  Free end = known.load(std::memory_order_relaxed);
  if (end == nullptr) {
    find(end, name);
    if (end == nullptr) end = ::free;
    known.store(end, std::memory_order_relaxed);
  }
  leaving(block);
  wipe(block);
  end(block);
}

}  // namespace

// What main and all that it called have left below their caller's frame would pass for pointers
// while the C library ends the program from there: its own frames take less than this.
[[gnu::noipa]] static void clear_left_stack() {
  char room[4096];
  __builtin_memset(room, 0, sizeof room);
  asm volatile("" : : "r"(room) : "memory");
}

using Main = int (*)(int, char**, char**);
static Main program;

static int run_program(int count, char** words, char** settings) {
  const int status = program(count, words, settings);
  clear_left_stack();
  return status;
}

// Called by every program's first instructions, with the C library's own signature.
PLUMB_EXPORT int __libc_start_main(Main main, int count, char** words, void (*init)(),
                                   void (*end)(), void (*loader_end)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  Start start = nullptr;
  find(start, "__libc_start_main");
  if (start == nullptr) ::_exit(127);
  program = main;
  (void)is_ready();
  return start(wipes ? run_program : main, count, words, init, end, loader_end, stack_end);
}

PLUMB_EXPORT void exit(int status) {
  using Exit = void (*)(int);
  Exit end = nullptr;
  find(end, "exit");
  if (wipes) clear_left_stack();
  if (end != nullptr) end(status);
  ::_exit(status);
}

PLUMB_EXPORT void* malloc(std::size_t size) {
  if (!is_ready()) return early_block(size);
  return counted(next.malloc(size), size);
}

PLUMB_EXPORT void* calloc(std::size_t count, std::size_t size) {
  if (!is_ready()) return early_block(count * size);  // has never been written
  return counted(next.calloc(count, size), count * size);
}

PLUMB_EXPORT void free(void* block) {
  if (__builtin_expect(is_early(block), 0)) return;
  leaving(block);
  if (!is_ready()) return;
  wipe(block);
  next.free(block);
}

// As realloc(3), always to another place, so that the old one can be wiped.
static void* moved(void* block, std::size_t size) {
  const std::size_t old = next.malloc_usable_size(block);
  void* fresh = next.malloc(size);
  if (fresh == nullptr) return nullptr;
  __builtin_memcpy(fresh, block, old < size ? old : size);
  ::free(block);
  return counted(fresh, size);
}

// A new block in place of the old one, wherever it is.
PLUMB_EXPORT void* realloc(void* block, std::size_t size) {
  if (__builtin_expect(is_early(block), 0)) {
    void* fresh = ::malloc(size);
    const std::size_t old = *reinterpret_cast<std::size_t*>(static_cast<char*>(block) - 16);
    if (fresh != nullptr) __builtin_memcpy(fresh, block, old < size ? old : size);
    return fresh;
  }
  if (!is_ready()) return early_block(size);
  if (__builtin_expect(wipes, 0) && block != nullptr && size != 0 &&
      next.malloc_usable_size(block) <= kMostWiped) {
    return moved(block, size);
  }
  leaving(block);
  return counted(next.realloc(block, size), size);
}

PLUMB_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return ::realloc(block, bytes);
}

PLUMB_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (!is_ready()) return nullptr;
  return counted(next.aligned_alloc(alignment, size), size);
}

PLUMB_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
  if (!is_ready()) return nullptr;
  return counted(next.memalign(alignment, size), size);
}

PLUMB_EXPORT int posix_memalign(void** into, std::size_t alignment, std::size_t size) {
  if (!is_ready()) return ENOMEM;
  const int failed = next.posix_memalign(into, alignment, size);
  if (failed == 0) (void)counted(*into, size);
  return failed;
}

PLUMB_EXPORT void* valloc(std::size_t size) {
  if (!is_ready()) return nullptr;
  return counted(next.valloc(size), size);
}

PLUMB_EXPORT void* pvalloc(std::size_t size) {
  if (!is_ready()) return nullptr;
  return counted(next.pvalloc(size), size);
}

// Where a library was unloaded, other code may come to stand.
PLUMB_EXPORT int dlclose(void* library) {
  static std::atomic<int (*)(void*)> known;
  auto close = known.load(std::memory_order_relaxed);
  if (close == nullptr) {
    find(close, "dlclose");
    if (close == nullptr) return -1;
    known.store(close, std::memory_order_relaxed);
  }
  return plumb_sampled_code(close(library));
}

// operator new(size_t), operator new[](size_t), and the deletes, by the names of the C++ ABI: the
// language does not let them be replaced by what looks up the next ones. The others (nothrow,
// aligned) are built on these, on malloc or on aligned_alloc everywhere but in tcmalloc.
PLUMB_EXPORT void* _Znwm(std::size_t size) {
  static std::atomic<Allocate> known;
  return counted(newed(known, "_Znwm", size), size);
}
PLUMB_EXPORT void* _Znam(std::size_t size) {
  static std::atomic<Allocate> known;
  return counted(newed(known, "_Znam", size), size);
}
PLUMB_EXPORT void _ZdlPv(void* block) {
  static std::atomic<Free> known;
  deleted(known, "_ZdlPv", block);
}
PLUMB_EXPORT void _ZdaPv(void* block) {
  static std::atomic<Free> known;
  deleted(known, "_ZdaPv", block);
}
PLUMB_EXPORT void _ZdlPvm(void* block, std::size_t) {
  static std::atomic<Free> known;
  deleted(known, "_ZdlPv", block);
}
PLUMB_EXPORT void _ZdaPvm(void* block, std::size_t) {
  static std::atomic<Free> known;
  deleted(known, "_ZdaPv", block);
}
