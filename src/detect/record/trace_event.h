// SPDX-License-Identifier: Apache-2.0
// What a trace says: the rare events one by one, and the ledger's rows and counts when asked. Plain
// values; a short-lived holding appears only in the counts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "detect/record/address.h"
#include "detect/record/descriptor.h"
#include "detect/record/kind.h"
#include "detect/record/python_stack.h"
#include "detect/record/v8_stack.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// Numbers of one trace; none is ever reused within it.
enum class OriginId : std::uint32_t {
  kBornBefore = 0,  // open when the trace began
  kFound = 1,       // found by a survey: no hook saw it come
  kStackLost = 2,   // seen, but its stack found no room
  kNoStack = 3,     // came where there is no user stack
  kFirst = 16,      // the first that is a stack
};
enum class TableId : std::uint32_t {};  // a descriptor table
enum class SpaceId : std::uint32_t {};  // an address space, from one exec to the next

struct StackRegisters {
  std::uint64_t ip = 0, sp = 0, bp = 0, bx = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
};

// A stack that was not seen before. Where the kernel lacked a rule, `copy` holds the stack's bytes
// from registers.sp on, and registers are those of the last address in `addresses`.
struct StackEvent {
  OriginId origin{};
  Pid pid{};
  Tid tid{};
  SpaceId space{};
  BootTime time{};
  std::uint16_t call = 0;  // system call number
  Kind kind = Kind::kUnknown;
  bool cut = false;  // deeper than the kernel follows
  StackRegisters registers;
  std::vector<Address> addresses;    // innermost first
  std::vector<PythonSample> python;  // the thread's Python frames, innermost first
  std::vector<V8Sample> v8;          // JavaScript functions: of walked frames, then of the copy
  std::vector<std::byte> copy;
  // Where a signal runs on a stack of its own (sigaltstack(2)): the stack that it interrupted, from
  // that one's stack pointer on.
  Address interrupted_at{};
  std::vector<std::byte> interrupted;
};

struct ProcessEvent {
  enum class What : std::uint8_t { kFork, kExec, kExit, kUnshare, kCode };
  What what{};
  Pid pid{};
  Tid tid{};
  Pid parent{};  // fork; 0: the trace itself chose this process
  SpaceId space{};
  TableId table{};  // exit: the one that ended; unshare: 0 where the thread's own table ended
  TableId old_table{};
  int status = 0;  // exit: as of wait(2)
  BootTime time{};
  BootTime start{};
  std::string name;
};

struct ListenerEvent {
  Pid pid{};
  TableId table{};
  Fd fd{};
  FileId file{};
  std::uint16_t family = 0;
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> address{};
  BootTime time{};
};

// One row of the ledger: a descriptor, or another resource (kinds of resource_kind.h), whose fd is
// kNoFd and whose file is its identity.
inline constexpr Fd kNoFd{-1};
inline constexpr std::uint16_t kNoCall = 0xffff;  // not by a system call, or none that a hook saw
struct LiveHolding {
  TableId table{};
  Fd fd{};
  FileId file{};
  BootTime born{};
  OriginId origin{};
  Tid tid{};
  std::uint16_t call = 0;
  Kind kind = Kind::kUnknown;
  bool listener = false;
  bool inherited = false;    // from the parent at fork: the origin counted it once, there
  bool ended = false;        // a child that nobody has waited for
  std::uint64_t bytes = 0;   // of kinds that have a size
  std::uint64_t weight = 1;  // how many it stands for, where only some are looked at
};

struct ClosedEvent {
  enum class Why : std::uint8_t {
    kWanted,   // a listener, or all closes were asked for
    kAgain,    // its number was closed already: `call` has failed with EBADF
    kSuspect,  // one like it was closed again: this says by whom it is closed in the first place
  };
  LiveHolding holding;
  Pid pid{};
  Tid tid{};
  BootTime time{};
  OriginId closer{};       // the stack that closed it
  std::uint16_t call = 0;  // how: close, dup2, …; kAgain: close, read, write, …
  Why why = Why::kWanted;
};

using TraceEvent = std::variant<StackEvent, ProcessEvent, ListenerEvent, ClosedEvent>;

struct OriginCount {
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::uint64_t created_bytes = 0;
  std::uint64_t closed_bytes = 0;
};

// Connections that a process ended first without having read a byte of them, by its local port.
struct Refusals {
  Pid pid{};
  std::uint16_t port = 0;
  std::uint64_t count = 0;
};

// What the trace missed and what its surveys put right, since it began.
struct TraceLosses {
  std::uint64_t holdings = 0;     // the ledger was full
  std::uint64_t stacks = 0;       // no room for a stack
  std::uint64_t events = 0;       // no room for a process event or a close
  std::uint64_t processes = 0;    // no room to follow a child
  std::uint64_t missed_runs = 0;  // the kernel skipped a program
};
struct TraceRepairs {
  std::uint64_t found = 0;      // open, and no hook had seen it come
  std::uint64_t inherited = 0;  // in a child's table, with the parent's origin
  std::uint64_t replaced = 0;   // another file stood at the number
  std::uint64_t gone = 0;       // no longer open, and no hook had seen it go
};

}  // namespace plumb::detect
