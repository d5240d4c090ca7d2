// SPDX-License-Identifier: Apache-2.0
// What a trace found, ready to be written: origins sorted by what is still held, closings, what was
// missed. Each writer takes the same document.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "detect/model/trace_ledger.h"
#include "detect/record/stack_store.h"
#include "detect/record/trace_event.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

// What a survey said of a sample: its name and its other end, clean text.
struct SampleText {
  std::string name;
  std::string other_end;
};
using SampleTexts = std::map<std::tuple<Pid, Fd, FileId>, SampleText>;

struct TraceDocument {
  const TraceLedger& ledger;
  const StackStore& stacks;
  const SampleTexts& texts;
  TraceLosses losses;
  TraceRepairs repairs;
  std::uint64_t unnamed_stacks = 0;
  std::vector<Kind> kinds;                    // only these; empty: all
  std::map<Kind, std::string> named_kinds{};  // those that have no name of their own
  bool all_closings = false;                  // not listeners' alone
  bool command = false;                       // the trace started it: its first exec is no news
  std::size_t most_origins = 20;              // in text; the other writers have all
};

// How many of a site are still held: those older than the minimum age, and those that a chosen
// process left at its end.
std::uint64_t held(const Site& site);

// The kind's name, clean: a pair's is what the user called it.
std::string kind_text(const TraceDocument& document, Kind kind);
// Whether the site's kind has bytes.
bool sized(const Site& site);
// What a holding is known by: "fd" and "7"; "at" and "0x7f00a000"; "process" and "812".
std::string_view identity_word(Kind kind);
std::string identity_of(Kind kind, const HoldingSample& sample);

// The sites with something held, of the chosen kinds: most held first (most bytes where all have
// them), those without a stack last.
std::vector<const Site*> held_sites(const TraceDocument& document);
// The closings to be told: listeners', or all.
std::vector<const Closing*> told_closings(const TraceDocument& document);

// Whether an origin is growing, or the collector closed a listener.
bool anything_wrong(const TraceDocument& document);

// Per second over the trace: what stays, not what is created.
double growth_rate(const TraceDocument& document, const Site& site);

// "growing", "steady", "too few to tell".
std::string_view name_of(Growth growth);
// Why a site has no stack: "open before the trace", …; empty for one that has.
std::string_view reason_without_stack(OriginId special);

// Whether Go's finalizer goroutine made this stack: the garbage collector closed it.
bool by_finalizer(const StackStore& stacks, StackNode stack);

// A frame in one line without its source: "leak_file", "?".
std::string function_of(const Frame& frame);
// Where it is: "leak.c:8", or "libc.so.6+0x47 (build id 0123abcd)".
std::string place_of(const Frame& frame);

void write_trace_text(const TraceDocument& document, const Paper& paper, const Sink& sink);
void write_trace_json(const TraceDocument& document, const Sink& sink);
// Folded stacks, outermost first, with what is held: input of flame graph programs.
void write_trace_folded(const TraceDocument& document, const Sink& sink);
// A gzipped profile.proto with the sample types open/count, created/count, age/seconds, space/bytes
// and created_space/bytes and the labels kind and peer; for `go tool pprof`, also with -diff_base.
void write_trace_pprof(const TraceDocument& document, const Sink& sink);
// One page that needs nothing else: a flame graph and a table.
void write_trace_html(const TraceDocument& document, const Sink& sink);

}  // namespace plumb::detect
