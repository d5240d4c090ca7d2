// SPDX-License-Identifier: Apache-2.0
// TraceSource: the edge to the tracing programs. Follows chosen processes and their children, hands
// out events, and reads and repairs the ledger that the programs keep in the kernel.
//
// Nothing is left behind: programs and maps belong to this object's descriptors, and the kernel
// takes them back when plumb dies. Targets are not stopped, signalled or written to. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "detect/record/heap_place.h"
#include "detect/record/pair.h"
#include "detect/record/trace_event.h"
#include "detect/record/walk_rule.h"
#include "plumb/base/result.h"

namespace plumb::detect {

struct TraceOptions {
  // Descriptors, and new code as soon as it is mapped. Costs every process of the machine 0.05 to
  // 0.1 us a system call (docs/decisions/0007); without them nobody pays for what nobody asked for.
  bool descriptors = true;
  bool follow_children = true;
  bool keep_closers = false;          // an event for every close, not for listeners' alone
  std::uint32_t holdings = 1U << 20;  // room in the ledger; about 96 bytes of kernel memory each
  // Room for distinct stacks, and for return addresses that are known how to leave; both have less
  // where the ledger has.
  std::uint32_t stacks = 1U << 17;
  std::uint32_t addresses = 1U << 18;
  std::vector<Kind> resources;          // kinds beside descriptors; each costs its hooks
  std::uint64_t heap_mean = 512 << 10;  // bytes of the heap for one that is looked at
};

class TraceSource {
 public:
  virtual ~TraceSource() = default;

  // Adds a process, by its thread group's number, and answers with a ProcessEvent of kind kFork
  // without a parent. Errors: ESRCH where there is none.
  virtual Result<void> follow(Pid process) = 0;

  // Waits until an event comes or `timeout` passes, then hands out all that there are.
  // Errors: of the ring buffer's wait; EINTR is none.
  virtual Result<void> poll(std::chrono::milliseconds timeout,
                            const std::function<void(TraceEvent)>& take) = 0;
  // Becomes readable with events; owned by the source.
  virtual int wait_descriptor() const = 0;

  // Tells the kernel how to leave the code at a return address. Errors: E2BIG where the map is
  // full.
  virtual Result<void> teach(SpaceId space, Address address, const WalkRule& rule) = 0;
  virtual void unteach(SpaceId space, std::span<const Address> addresses) = 0;

  // From now on stacks of this address space carry their Python frames. `runtime` is the address of
  // _PyRuntime. Errors: E2BIG where there is no room.
  virtual Result<void> teach_python(SpaceId space, Address runtime, const PythonLayout& layout) = 0;
  virtual void unteach_python(SpaceId space) = 0;
  // The same of JavaScript functions.
  virtual Result<void> teach_v8(SpaceId space, const V8FrameLayout& layout) = 0;
  virtual void unteach_v8(SpaceId space) = 0;

  // Compares the ledger with the tables of all targets, adds what is missing there and forgets what
  // is gone. `dead` are tables that ended: their holdings are handed to `at_end`, then forgotten.
  // Every row that stays is handed to `live`.
  struct Visit {
    std::function<void(const LiveHolding&)> live;
    std::function<void(const LiveHolding&)> at_end;
    std::span<const TableId> dead;
  };
  virtual Result<void> reconcile(const Visit& visit) = 0;
  // The rows as they are, without a survey.
  virtual Result<void> read(const Visit& visit) = 0;
  // What is no descriptor and a target holds now, compared with what the kernel says is left of it;
  // then forgotten. For a target that stands still at its end. Errors: of reading the map.
  virtual Result<std::vector<LiveHolding>> take_resources(Pid process) = 0;

  // Probes a function of a pair, where options.resources has kPair; the probes plumb:acquire and
  // plumb:release of a file, where it has kProbe. Errors: of the kernel that refuses the place.
  virtual Result<void> watch(const PairPlace& place) = 0;
  virtual Result<void> watch_own(const std::string& path) = 0;
  // The heap sampler's functions in its file; an allocation function of a process; where it has
  // kHeap. Errors: as above.
  virtual Result<void> watch_sampler(const std::string& path) = 0;
  virtual Result<void> watch_heap(const HeapPlace& place) = 0;
  // The names of the kinds from kProbe on, as far as programs have told of them.
  virtual std::map<Kind, std::string> told_kinds() const = 0;

  // One count an origin, indexed by its number; a view that changes as the targets run.
  virtual std::span<const OriginCount> counts() const = 0;
  // Since the trace began; for an outgoing connection the port is a passing one.
  virtual std::vector<Refusals> refusals() const = 0;
  virtual TraceLosses losses() const = 0;
  virtual TraceRepairs repairs() const = 0;
};

// Loads and attaches. Errors: EPERM without CAP_BPF and CAP_PERFMON; ENOENT without the kernel's
// BTF; ENOTSUP where a hook is missing; the advice says what would help.
Result<std::unique_ptr<TraceSource>> open_trace(const TraceOptions& options);

}  // namespace plumb::detect
