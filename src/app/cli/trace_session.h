// SPDX-License-Identifier: Apache-2.0
// TraceSession: a trace from its beginning to its last look. Joins the source's events with the
// symbol folder's names and the model's ledger; knows no output.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/trace_heap.h"
#include "app/cli/trace_pairs.h"
#include "detect/model/trace_ledger.h"
#include "detect/record/stack_store.h"
#include "detect/source/trace_source.h"
#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_access.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/python_reader.h"
#include "detect/symbol/symbolizer.h"
#include "detect/symbol/v8_reader.h"
#include "detect/symbol/walk_rules.h"
#include "plumb/base/result.h"

namespace plumb::app {

struct TraceSettings {
  detect::TraceOptions options;
  std::chrono::nanoseconds min_age = std::chrono::seconds(2);
  std::vector<detect::Pair> pairs;
  HeapWay heap = HeapWay::kProbes;                          // where options.resources has kHeap
  detect::FreedMemory freed = detect::FreedMemory::kStays;  // of a command whose heap is followed
};

class TraceSession {
 public:
  // Errors: of detect::open_trace.
  static Result<std::unique_ptr<TraceSession>> open(const TraceSettings& settings);

  // Reads the frame information of what the process has mapped, then follows it, so that the first
  // stacks do not wait for that. Errors: ESRCH.
  Result<void> follow(Pid process);

  // Reads the frame information of what a followed process has mapped, for the same reason.
  void prepare(Pid process);

  // All that shall be followed is: the trace begins here. See TraceLedger::begin().
  void begin() { ledger_.begin(BootClock::now()); }

  // Takes in events until `timeout` has passed or something came; returns at once after a signal.
  Result<void> listen(std::chrono::milliseconds timeout);

  // One pass over the ledger; with a survey where its own cost allows one (at most a fiftieth of
  // the time, not more often than every three seconds) or where `survey` asks for it.
  // `rows` takes the ledger's rows, where it is wanted.
  enum class Look { kWhenDue, kNow };
  Result<void> look(Look survey, std::vector<detect::LiveHolding>* rows = nullptr);

  // What is no descriptor and a process holds that stands still at its end, with all stacks named.
  // Errors: of TraceSource::take_resources().
  Result<std::vector<detect::LiveHolding>> take_resources(Pid process);

  // See TraceLedger::settle_growth().
  void settle_growth() { ledger_.settle_growth(); }

  const detect::TraceLedger& ledger() const { return ledger_; }
  const detect::StackStore& stacks() const { return stacks_; }
  const detect::TraceSource& source() const { return *source_; }
  // Before follow() of a command that is not its program yet: so that its first calls are seen.
  // Answers with what the command must find in its environment. Errors: of TraceHeap::prepare().
  Result<std::vector<std::string>> prepare_command(const std::string& program);
  // What was asked for and could not be followed; for people.
  std::vector<std::string> blinds() const;
  const TracePairs& pairs() const { return pairs_; }
  // Stacks whose process was gone before its maps could be read.
  std::uint64_t unnamed_stacks() const { return unnamed_; }

 private:
  // An address space as its processes share it, from one exec to the next.
  struct Space {
    std::vector<Pid> processes;
    std::optional<detect::ProcessView> view;
    std::vector<detect::Address> taught;
    std::optional<detect::PythonReader> python;  // reads through `view`
    std::optional<detect::V8Reader> v8;          // likewise
  };

  // A walked stack that waits for its names, until the ring buffer is drained: what the kernel has
  // to learn goes first, because it sends copies of stacks until it knows.
  struct Unnamed {
    detect::StackEvent event;  // without its copy
    detect::WalkedStack walked;
    std::vector<detect::Frame> python;  // their names, read while they could be
    std::vector<detect::NamedFrame> v8;
  };

  TraceSession(std::unique_ptr<detect::TraceSource> source, const TraceSettings& settings);
  void look_into_files(Pid pid);
  void take(detect::TraceEvent event);
  void look_at_states();
  void on(const detect::StackEvent& event);
  void on(const detect::ProcessEvent& event);
  detect::ProcessView* view_of(Space& space, Pid pid);
  void leave(detect::SpaceId id, Pid pid);
  void forget_rules(detect::SpaceId id, Space& space);
  void code_changed(detect::SpaceId id, Pid pid);
  void look_at_code();
  void look_for_scripts(detect::SpaceId id, Space& space, Pid pid);
  detect::StackNode name(Space& space, const Unnamed& stack);
  void name_some(std::size_t most);
  void name_all() { name_some(waiting_.size()); }

  std::unique_ptr<detect::TraceSource> source_;
  TracePairs pairs_;
  std::optional<TraceHeap> heap_;
  detect::TraceLedger ledger_;
  detect::StackStore stacks_;
  detect::ProcAccess access_;
  detect::ModuleCache modules_;
  detect::Symbolizer symbolizer_;
  std::map<detect::SpaceId, Space> spaces_;
  std::map<Pid, detect::SpaceId> space_of_;
  std::map<Pid, detect::ProcessView> prepared_;  // until the kernel says which space it is
  std::deque<Unnamed> waiting_;
  std::optional<Unnamed> named_;  // the last one, and its stack
  detect::StackNode named_stack_ = detect::StackStore::kEmpty;
  std::uint64_t unnamed_ = 0;
  std::uint64_t untaught_ = 0;  // rules that found no room
  bool calls_seen_;             // new code is told of by the kernel
  BootTime survey_due_{};
};

}  // namespace plumb::app
