// SPDX-License-Identifier: Apache-2.0
// A trace as records: "origin" for each, "closed" for each closing, "trace" at the end.
#include <algorithm>

#include "detect/record/call_name.h"
#include "detect/report/frames_json.h"
#include "detect/report/json_writer.h"
#include "detect/report/pieces.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

constexpr int kOriginSchema = 1;
constexpr int kClosedSchema = 1;
constexpr int kTraceSchema = 1;

class Records {
 public:
  explicit Records(const TraceDocument& document) : document_(document), ledger_(document.ledger) {}

  JsonWriter& json() { return json_; }
  void origin(const Site& site);
  void closed(const Closing& closing);
  void trace();

 private:
  void frames(StackNode stack);
  void process(Pid pid);

  const TraceDocument& document_;
  const TraceLedger& ledger_;
  JsonWriter json_;
};

void Records::frames(StackNode stack) {
  add_frames(json_, document_.stacks, stack);
}

void Records::process(Pid pid) {
  json_.member("pid", number(pid));
  if (const TracedProcess* known = ledger_.find(pid)) {
    json_.member("process", std::string_view(known->name));
  }
}

void Records::origin(const Site& site) {
  json_.begin("origin", kOriginSchema);
  json_.member("kind", std::string_view(kind_text(document_, site.kind)));
  if (const auto call = call_name(site.call); !call.empty()) json_.member("call", call);
  json_.member("held", held(site));
  json_.member("live", site.live);
  json_.member("at_exit", site.at_exit);
  json_.member("inherited", site.inherited);
  json_.member("created", site.created);
  json_.member("closed", site.closed);
  if (site.kind == Kind::kChild) json_.member("ended", site.ended);
  if (sized(site)) {
    json_.member("held_bytes", site.held_bytes);
    json_.member("created_bytes", site.created_bytes);
    json_.member("closed_bytes", site.closed_bytes);
  }
  json_.member("growth", name_of(site.growth));
  // A recording may tell of more than 63 bits hold.
  const double rate = std::min(growth_rate(document_, site) * 1e9, 9e18);
  json_.member("rate", std::chrono::nanoseconds(static_cast<std::int64_t>(rate)));
  if (site.oldest) json_.member("oldest", ledger_.now() - *site.oldest);
  if (site.youngest) json_.member("youngest", ledger_.now() - *site.youngest);
  json_.open_list("ages");
  for (const std::uint64_t count : site.ages) json_.element(count);
  json_.close_list();
  json_.open_list("samples");
  for (const HoldingSample& sample : site.samples) {
    json_.open_element();
    process(sample.pid);
    if (sample.fd == kNoFd) {
      json_.member("identity", std::string_view(identity_of(site.kind, sample)));
      if (sized(site)) json_.member("bytes", sample.bytes);
    } else {
      json_.member("fd", number(sample.fd));
    }
    json_.member("age", ledger_.now() - sample.born);
    const auto known = document_.texts.find({sample.pid, sample.fd, sample.file});
    if (known != document_.texts.end()) {
      if (!known->second.name.empty()) json_.member("name", std::string_view(known->second.name));
      if (!known->second.other_end.empty()) {
        json_.member("other_end", std::string_view(known->second.other_end));
      }
    }
    json_.close_object();
  }
  json_.close_list();
  if (site.special != OriginId::kFirst) json_.member("reason", reason_without_stack(site.special));
  json_.member("cut", site.cut);
  json_.open_list("stack");
  frames(site.stack);
  json_.close_list();
  json_.end();
}

void Records::closed(const Closing& closing) {
  json_.begin("closed", kClosedSchema);
  process(closing.pid);
  json_.member("fd", number(closing.holding.fd));
  json_.member("kind", name_of(closing.holding.kind));
  json_.member("listener", closing.holding.listener);
  if (closing.listener && closing.listener->port != 0) {
    json_.member("port", closing.listener->port);
  }
  json_.member("at", ledger_.into(closing.time));
  json_.member("age", closing.time - closing.holding.born);
  if (const auto call = call_name(closing.call); !call.empty()) json_.member("call", call);
  json_.member("shared", closing.shared);
  const auto closer = ledger_.closer_of(closing);
  json_.member("finalizer", closer && by_finalizer(document_.stacks, *closer));
  json_.open_list("closer");
  if (closer) frames(*closer);
  json_.close_list();
  json_.open_list("stack");
  if (const Site* opener = ledger_.opener_of(closing)) frames(opener->stack);
  json_.close_list();
  json_.end();
}

void Records::trace() {
  json_.begin("trace", kTraceSchema);
  json_.member("duration", ledger_.now() - ledger_.began());
  json_.member("min_age", ledger_.min_age());
  json_.open_list("processes");
  for (const auto& [key, process] : ledger_.processes()) {
    json_.open_element();
    json_.member("pid", number(process.pid));
    json_.member("process", std::string_view(process.name));
    json_.member("parent", number(process.parent));
    json_.member("chosen", process.chosen);
    json_.member("execs", process.execs);
    json_.member("stopped", process.stopped);
    if (process.status) json_.member("status", *process.status);
    json_.close_object();
  }
  json_.close_list();
  json_.open_object("losses");
  json_.member("holdings", document_.losses.holdings);
  json_.member("stacks", document_.losses.stacks);
  json_.member("events", document_.losses.events);
  json_.member("processes", document_.losses.processes);
  json_.member("missed_runs", document_.losses.missed_runs);
  json_.member("unnamed_stacks", document_.unnamed_stacks);
  json_.member("closes", ledger_.closings_left_out());
  json_.close_object();
  json_.open_object("repairs");
  json_.member("found", document_.repairs.found);
  json_.member("inherited", document_.repairs.inherited);
  json_.member("replaced", document_.repairs.replaced);
  json_.member("gone", document_.repairs.gone);
  json_.close_object();
  json_.end();
}

}  // namespace

void write_trace_json(const TraceDocument& document, const Sink& sink) {
  Records records(document);
  for (const Site* site : held_sites(document)) {
    records.origin(*site);
    if (!pass_on(records.json(), sink)) return;
  }
  for (const Closing* closing : told_closings(document)) {
    records.closed(*closing);
    if (!pass_on(records.json(), sink)) return;
  }
  records.trace();
  sink(records.json().text());
}

}  // namespace plumb::detect
