// SPDX-License-Identifier: Apache-2.0
// Holding: one live resource of this very program, as a member of the object that is the resource:
// its kind, its identity, since when, and the line that acquired it. A holding stands on the shelf
// of its owner, a loop, a pool, exactly as long as it is held; the shelves of a process together
// are its ledger, which can be read from any thread, also while a loop hangs.
//
//   class Lease {
//     explicit Lease(Loop& loop, std::source_location site)
//         : held_("lease", site) { held_.acquire(loop.holdings()); }
//     Holding held_;   // released with the lease
//   };
//
// Every acquire and release is also a USDT probe, plumb:acquire and plumb:release, with the
// arguments kind (text), identity, file (text), line, function (text): a tracer outside sees the
// program's own kinds. While no tracer is attached a probe is one nop.
// The line is that of the caller of the constructor: where std::make_unique or emplace() call it,
// pass std::source_location::current(), or they are the line.
// Cost: 64 bytes; no allocation; about 10 ns for each of the two (bench/results/cost.txt).
// Threads: any; one holding by one thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace plumb {

class Holdings;

class Holding {
 public:
  using Clock = std::chrono::steady_clock;

  // Holds nothing yet. `kind` must last for ever: a literal.
  explicit Holding(const char* kind,
                   std::source_location site = std::source_location::current()) noexcept
      : kind_(kind), site_(site) {}
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  ~Holding() { release(); }

  // Puts it on `shelf`, which must outlive it, at the end. `identity` tells it from others of its
  // kind; without one its address does. `detail`, if any, is UTF-8 and must stay as it is until the
  // release.
  void acquire(Holdings& shelf, const char* detail = nullptr) noexcept;
  void acquire(Holdings& shelf, std::uint64_t identity, const char* detail = nullptr) noexcept;
  // Twice is once.
  void release() noexcept;

  bool held() const noexcept { return shelf_ != nullptr; }
  std::source_location site() const noexcept { return site_; }

 private:
  friend class Holdings;
  Holding() noexcept : kind_(nullptr) {}  // a shelf's end, or a reader's place on it

  Holding* next_ = this;
  Holding* previous_ = this;
  Holdings* shelf_ = nullptr;
  const char* kind_;
  const char* detail_ = nullptr;
  std::uint64_t identity_ = 0;
  Clock::time_point since_{};
  std::source_location site_;
};

// A holding as a reader sees it.
struct HoldingRow {
  std::string kind;
  std::uint64_t identity = 0;
  std::string detail;
  Holding::Clock::time_point since{};
  std::source_location site;
};

// Told of the shelves that come and go; the ledger of src/runtime/meter is one. Must outlive them.
// Called from the thread that makes or ends the shelf.
class HoldingsRegister {
 public:
  virtual void joined(Holdings& shelf) = 0;
  virtual void left(Holdings& shelf) noexcept = 0;

 protected:
  ~HoldingsRegister() = default;
};

// A shelf: the live holdings of one owner, in the order in which they were acquired.
class Holdings {
 public:
  // `name` says whose they are: "loop 1".
  explicit Holdings(std::string name, HoldingsRegister* in = nullptr);
  Holdings(const Holdings&) = delete;
  Holdings& operator=(const Holdings&) = delete;
  ~Holdings();  // expects none

  const std::string& name() const noexcept { return name_; }
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  // Saves each acquire the reading of the clock (25 ns): they are stamped with `now`, which the
  // owner keeps true. Without it each acquire asks.
  void keep_time(Holding::Clock::time_point now) noexcept {
    now_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // A copy of what is held. Acquires and releases of other threads go on meanwhile: they wait for
  // at most some microseconds, however many rows there are. A row that comes or goes meanwhile may
  // or may not be in the copy; every other one is, once.
  std::vector<HoldingRow> rows() const;

  // At the owner's end: aborts after printing each holding that is left, as that would use its
  // owner after its death.
  void expect_none() const noexcept;

 private:
  friend class Holding;
  void append(Holding& holding) noexcept;
  static void link_before(Holding& next, Holding& holding) noexcept;
  static void unlink(Holding& holding) noexcept;

  const std::string name_;
  HoldingsRegister* const in_;
  mutable std::mutex mutex_;  // guards the links
  mutable Holding end_;
  std::atomic<std::size_t> size_{0};
  std::atomic<Holding::Clock::rep> now_{0};
};

// The last two parts of a path: "web/client.cc".
std::string_view short_file(std::string_view path) noexcept;

// "tcp 7 (detail), 12s, web/client.cc:42 (function)".
std::string text_of(const HoldingRow& row, Holding::Clock::time_point now);

}  // namespace plumb
