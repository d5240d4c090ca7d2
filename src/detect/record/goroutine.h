// SPDX-License-Identifier: Apache-2.0
// What was read of a Go process's goroutines, as plain values. The process runs on while it is
// read: each goroutine is whole in itself, but the set is not of one instant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/stack_store.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

enum class GoroutineId : std::uint64_t {};

// The runtime's own states (_Gidle … in runtime2.go), as its tracebacks name them.
enum class GoroutineState : std::uint8_t {
  kIdle,
  kRunnable,
  kRunning,
  kSyscall,
  kWaiting,
  kDead,
  kCopyStack,
  kPreempted,
  kLeaked,  // Go 1.26 and later: its collector found that nothing can wake it
  kUnknown,
};
constexpr std::size_t kGoroutineStates = static_cast<std::size_t>(GoroutineState::kUnknown) + 1;

// "runnable", "select" stands in the reason of a waiting one.
std::string_view name_of(GoroutineState state);

// What became of reading its stack.
enum class GoroutineStack : std::uint8_t {
  kWhole,    // up to the function that the go statement called
  kCut,      // deeper than plumb follows, or a frame that no table knows
  kRunning,  // on a processor: its registers are nowhere in memory; `stack` is the function that
             // it began with, alone
  kTorn,     // it moved each time that it was read; `stack` as for kRunning
};

struct Goroutine {
  GoroutineId id{};
  std::optional<GoroutineId> parent;  // who started it; Go 1.21 and later
  GoroutineState state = GoroutineState::kUnknown;
  std::uint8_t reason = 0;  // why it waits: index into wait_reasons; 0: none
  bool system = false;      // one of the runtime's own, which the runtime's profile leaves out
  bool locked = false;      // to its thread (runtime.LockOSThread)
  GoroutineStack read = GoroutineStack::kWhole;
  // About this long: when a collection first meets it asleep, the runtime stamps it with the time
  // of the collection before. Unknown until then.
  std::optional<std::chrono::nanoseconds> waited;
  std::optional<Tid> thread;  // that runs it, in the process's own numbers
  // Of the functions that the reader was asked to watch for: the outermost on its stack, and the
  // pointer that it was called with, as far as that stands where the compiler keeps it.
  struct Call {
    std::uint8_t watched = 0;  // index in what was asked
    std::uint64_t argument = 0;
  };
  std::optional<Call> call;
  StackNode stack = StackStore::kEmpty;
  StackNode creator = StackStore::kEmpty;  // the go statement: one frame and what it is inlined in
};

struct GoroutineSnapshot {
  Pid process{};
  std::string name;        // of the process (comm)
  std::string go_version;  // "go1.19.8"; empty: not in the binary
  std::string layout;      // where the offsets of runtime.g come from: "DWARF", "the table of Go
                           // 1.19", with "(guessed)" where the version is unknown
  std::chrono::nanoseconds took{};
  std::vector<Goroutine> goroutines;  // in the order in which the runtime has them; no dead ones
  std::vector<std::string> wait_reasons;  // the binary's own words; may be empty
  StackStore stacks;                      // innermost first, with the runtime's own frames
  std::uint64_t listed = 0;               // that the runtime keeps, with the dead ones
  std::uint64_t dead = 0;                 // ended, kept by the runtime for the next go statement
  std::uint64_t read_again = 0;           // readings that met a goroutine on the move
  std::uint64_t unreadable = 0;           // structures that could not be read or made no sense
};

}  // namespace plumb::detect
