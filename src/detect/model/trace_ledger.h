// SPDX-License-Identifier: Apache-2.0
// TraceLedger: what a trace has told, by site. A site is one stack that acquires one kind of thing;
// many of the kernel's origin numbers may stand for it (a number per process, and some while the
// kernel learns). Pure: facts and times go in, sites come out.
//
// A pass over the kernel's rows is begin_pass(), hold() for each row, end_pass(). Memory: a site
// keeps counts, four samples and a short series, so a million holdings of 5,000 sites take 10 MiB.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "detect/model/growth.h"
#include "detect/record/process.h"
#include "detect/record/stack_store.h"
#include "detect/record/trace_event.h"
#include "detect/record/trace_record.h"

namespace plumb::detect {

// Ages by powers of two: bucket n counts ages from 2^(n-1) to 2^n seconds, bucket 0 those below one
// second, the last one everything older (12 days).
inline constexpr std::size_t kAgeBuckets = 21;
inline constexpr std::size_t kMostBirthTimes = 64;  // of a site: enough to see what they follow
using AgeHistogram = std::array<std::uint64_t, kAgeBuckets>;
std::size_t age_bucket(std::chrono::nanoseconds age);

// A process that the trace followed.
struct TracedProcess {
  Pid pid{};
  BootTime start{};
  Pid parent{};
  bool chosen = false;  // by the user, not for being somebody's child
  std::string name;
  std::optional<int> status;  // as of wait(2), when it ended
  std::uint32_t execs = 0;    // how often it became another program
  bool stopped = false;       // by SIGSTOP and the like, or by a debugger, at the last pass
  BootTime ended{};
};

struct HoldingSample {
  Pid pid{};
  Fd fd{};
  FileId file{};
  BootTime born{};
  bool at_exit = false;
  std::uint64_t bytes = 0;
};

struct Site {
  StackNode stack = StackStore::kEmpty;
  OriginId special = OriginId::kFirst;  // below kFirst: no stack, for that reason
  Kind kind = Kind::kUnknown;
  std::uint16_t call = 0;
  bool cut = false;  // the stack goes deeper than was followed

  std::uint64_t live = 0;       // held at the last pass, by anybody
  std::uint64_t inherited = 0;  // of them by children that got them at fork
  std::uint64_t at_exit = 0;    // of them by chosen processes when those ended
  std::uint64_t aged = 0;       // of them older than the trace's minimum age
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::uint64_t ended = 0;       // of live and at_exit: children that nobody has waited for
  std::uint64_t rows = 0;        // of the ledger, at the last pass: what was looked at
  std::uint64_t held_bytes = 0;  // of those that count as held
  std::uint64_t created_bytes = 0;
  std::uint64_t closed_bytes = 0;
  std::optional<BootTime> oldest;
  std::optional<BootTime> youngest;
  // Of all held, summed: nanoseconds would be too small for a million that live some hours.
  std::chrono::duration<std::uint64_t, std::milli> total_age{};
  AgeHistogram ages{};
  std::array<std::uint64_t, kBirthWindows> births{};  // see growth.h
  std::array<std::uint64_t, kBirthWindows> judged{};  // those by which growth was last judged
  std::vector<HoldingSample> samples;                 // the oldest first
  // When those of `births` were born: the first kMostBirthTimes, ascending after a pass.
  std::vector<BootTime> born;
  GrowthSeries series;
  Growth growth = Growth::kNone;
};

// A listener that was closed, or any holding where all closes are kept.
struct Closing {
  LiveHolding holding;
  OriginId closer{};  // see closer_of()
  Pid pid{};
  BootTime time{};
  std::uint16_t call = 0;
  std::optional<ListenerEvent> listener;
  bool shared = false;  // another descriptor of the same open file was seen open afterwards
};

// Closes of what was used or closed after it was closed, and those later calls, told apart by the
// stacks that did it.
struct ContestedClose {
  LiveHolding holding;  // what it was, with its opener's thread
  OriginId closer{};
  Pid pid{};
  Tid tid{};
  BootTime time{};
  bool again = false;  // this one failed; otherwise it came first
  std::uint16_t call = 0;
};

class TraceLedger {
 public:
  TraceLedger(BootTime began, std::chrono::nanoseconds min_age)
      : began_(began), min_age_(min_age) {}
  // As it stood when it was recorded. What refers to nothing is left out.
  explicit TraceLedger(const TraceRecord& record);

  // All that it knows, for a recording; `held` are the rows of the last pass.
  TraceRecord record(std::span<const LiveHolding> held) const;

  // All chosen processes are followed from now on: rates and verdicts count from here. To read
  // their programs takes a second, or ten on a busy machine, which must not look like a time
  // without acquisitions.
  void begin(BootTime now) { began_ = now; }

  void on(const ProcessEvent& event);
  // Whether a process that runs is stopped, as of now.
  void on_state(const ProcessKey& process, bool stopped);
  void on(const ListenerEvent& event);
  void on(const ClosedEvent& event);
  // The stack behind a number. Numbers of equal stack, kind and call become one site.
  void learn(OriginId origin, StackNode stack, Kind kind, std::uint16_t call, bool cut);
  // The stack behind a closer's number.
  void learn_closer(OriginId origin, StackNode stack);

  // Tables that ended and were not read out yet.
  std::vector<TableId> dead_tables() const;

  void begin_pass(BootTime now);
  void hold(const LiveHolding& holding);
  // A row of a dead table: counts as held when it was a chosen process's and that has ended.
  void hold_at_end(const LiveHolding& holding);
  // `read_out` are the ended tables whose rows this pass was given.
  void end_pass(std::span<const OriginCount> counts, std::span<const TableId> read_out);

  // Verdicts on growth stay as they are from here on: the trace is over, and what follows is only
  // the ending of its processes, which would look like a plateau.
  void settle_growth() { settled_ = true; }

  BootTime began() const { return began_; }
  // How far into the trace; zero for what came before its beginning.
  std::chrono::nanoseconds into(BootTime time) const { return std::max(time, began_) - began_; }
  BootTime now() const { return now_; }
  std::chrono::nanoseconds min_age() const { return min_age_; }
  const std::vector<Site>& sites() const { return sites_; }
  const std::vector<Closing>& closings() const { return closings_; }
  // The stacks at both ends of a closed holding's life, where they are known: they are learned
  // later than the closing, for naming them takes a while.
  const Site* opener_of(const Closing& closing) const;
  std::optional<StackNode> closer_of(const Closing& closing) const;
  const std::vector<ContestedClose>& contested() const { return contested_; }
  // The stack that a number of a closer or an opener stands for.
  std::optional<StackNode> closer_stack(OriginId closer) const;
  std::optional<StackNode> opener_stack(OriginId opener) const;
  std::uint64_t closings_left_out() const { return closings_left_out_; }
  const std::map<ProcessKey, TracedProcess>& processes() const { return processes_; }
  // The first process that had this number; null where there was none.
  const TracedProcess* find(Pid pid) const;
  std::size_t chosen_alive() const;

 private:
  struct Table {
    ProcessKey owner;
    bool ended = false;
    bool by_exit = false;
  };
  using SiteKey = std::tuple<StackNode, OriginId, Kind, std::uint16_t>;

  SiteKey site_key(const LiveHolding& holding) const;
  std::size_t site_of(const LiveHolding& holding) { return site_at(site_key(holding)); }
  void restore_processes(const TraceRecord& record);
  void restore_closings(const TraceRecord& record);
  std::size_t site_at(const SiteKey& key);
  void add(Site& site, const LiveHolding& holding, BootTime now, bool at_exit);
  void sample(Site& site, const LiveHolding& holding, bool at_exit);

  BootTime began_;
  BootTime now_{};
  BootTime judged_{};
  std::chrono::nanoseconds min_age_;
  std::vector<Site> sites_;
  std::map<SiteKey, std::size_t> site_index_;
  std::unordered_map<std::uint32_t, std::size_t> origins_;  // number to site
  std::unordered_map<std::uint32_t, StackNode> closers_;    // number to stack
  std::map<std::size_t, std::vector<LiveHolding>> ended_;   // by site: held by who has exited
  std::map<TableId, Table> tables_;
  std::map<ProcessKey, TracedProcess> processes_;
  std::unordered_map<std::int32_t, ProcessKey> by_pid_;
  std::map<FileId, ListenerEvent> listeners_;  // the last listen(2) on each open file
  std::vector<Closing> closings_;
  std::vector<ContestedClose> contested_;
  std::uint64_t closings_left_out_ = 0;
  bool settled_ = false;
};

}  // namespace plumb::detect
