// SPDX-License-Identifier: Apache-2.0
// TraceRecord: everything that a trace had found out at one time, as plain values. From it the
// model makes its ledger again, so that a report can be written later and elsewhere.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/process.h"
#include "detect/record/stack_store.h"
#include "detect/record/trace_event.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// A position in TraceRecord::sites.
enum class SiteIndex : std::uint32_t {};

struct TraceRecord {
  // One stack that acquires one kind of thing.
  struct Site {
    StackNode stack = StackStore::kEmpty;
    OriginId special = OriginId::kFirst;  // below kFirst: no stack, for that reason
    Kind kind = Kind::kUnknown;
    std::uint16_t call = 0;
    bool cut = false;
    std::uint64_t live = 0;     // held at `now`
    std::uint64_t at_exit = 0;  // held by chosen processes when those ended
    std::uint64_t created = 0;
    std::uint64_t closed = 0;
    std::uint64_t created_bytes = 0;  // of kinds that have a size
    std::uint64_t closed_bytes = 0;
    // Of those that were held when growth was last judged: how many came in which eighth of the
    // trace until then.
    std::array<std::uint64_t, 8> births{};
    struct Point {
      BootTime time{};
      std::uint64_t live = 0;  // the lowest count since the point before
    };
    std::vector<Point> series;
  };

  struct Process {
    ProcessKey key;
    BootTime start{};
    Pid parent{};
    bool chosen = false;
    bool stopped = false;
    std::uint32_t execs = 0;
    std::optional<int> status;  // as of wait(2), when it ended
    BootTime ended{};
    std::string name;
  };

  // Whose descriptor table it is.
  struct Table {
    TableId table{};
    ProcessKey owner;
    bool ended = false;
    bool by_exit = false;
  };

  struct Holding {
    LiveHolding row;  // `origin` is not used
    SiteIndex site{};
    bool at_exit = false;  // its process has ended, and held it
  };

  struct Closing {
    LiveHolding row;  // `origin` says why there is no site
    std::optional<SiteIndex> opener;
    std::optional<StackNode> closer;
    Pid pid{};
    BootTime time{};
    std::uint16_t call = 0;
    bool shared = false;
    std::optional<ListenerEvent> listener;
  };

  // A close of what was closed again after it was closed.
  struct Contested {
    LiveHolding row;                  // what it was
    std::optional<SiteIndex> opener;  // nothing where its stack is not known
    std::optional<StackNode> closer;
    Pid pid{};
    Tid tid{};
    BootTime time{};
    bool again = false;      // this one failed; otherwise it came first
    std::uint16_t call = 0;  // close, read, …
  };

  BootTime began{};
  BootTime now{};
  BootTime judged{};  // when growth was last judged
  std::chrono::nanoseconds min_age{};
  std::vector<Site> sites;
  std::vector<Process> processes;
  std::vector<Table> tables;
  std::vector<Holding> holdings;
  std::vector<Closing> closings;
  std::vector<Contested> contested;
  std::uint64_t closings_left_out = 0;
};

// What a survey said of one holding: its name and its other end, as they are printed.
struct HoldingName {
  Pid pid{};
  Fd fd{};
  FileId file{};
  std::string name;
  std::string other_end;
};

// A trace with all that its report says besides.
struct TraceRecording {
  TraceRecord facts;
  std::vector<HoldingName> names;
  TraceLosses losses;
  TraceRepairs repairs;
  std::uint64_t unnamed_stacks = 0;
  bool command = false;                     // the trace started it
  bool all_closings = false;                // every close was kept, not listeners' alone
  std::vector<Kind> kinds;                  // asked for; empty: all
  std::map<Kind, std::string> named_kinds;  // those that have no name of their own: pairs, …
};

// How many of a site lived, and how many came and went up to then, at one time of a trace.
struct SiteCount {
  SiteIndex site{};
  std::uint64_t live = 0;  // with what ended processes left
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
};

}  // namespace plumb::detect
