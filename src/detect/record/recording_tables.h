// SPDX-License-Identifier: Apache-2.0
// The tables that a recording of a trace consists of. docs/recording.md describes them for those
// who query them; a change here is a new format (kRecordingFormat).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "detect/record/fact_set.h"
#include "detect/record/recording_columns.h"
#include "detect/record/survey_fields.h"
#include "detect/record/trace_record.h"

namespace plumb::detect {

inline constexpr std::int64_t kRecordingMark = 0x706c6d62;  // application_id: "plmb"
inline constexpr std::int64_t kRecordingFormat = 2;         // user_version

// What made the recording, where and when: for people.
struct AboutRow {
  std::string key;
  std::string value;
};
template <>
struct Table<AboutRow> {
  static constexpr std::string_view kName = "about";
  static constexpr std::string_view kKey = "key";
  static void columns(auto& column, auto& row) {
    column.words("key", row.key);
    column.words("value", row.value);
  }
};

// How many rows each other table has, by which a reader knows what a damaged file lacks.
struct ContentsRow {
  std::string name;
  std::uint64_t rows = 0;
};
template <>
struct Table<ContentsRow> {
  static constexpr std::string_view kName = "contents";
  static constexpr std::string_view kKey = "name";
  static void columns(auto& column, auto& row) {
    column.words("name", row.name);
    column("rows", row.rows);
  }
};

struct TextRow {
  std::uint32_t id = 0;
  std::string text;
};
template <>
struct Table<TextRow> {
  static constexpr std::string_view kName = "text";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column.words("text", row.text);
  }
};

struct FrameRow {
  FrameId id{};
  Frame frame;
};
template <>
struct Table<FrameRow> {
  static constexpr std::string_view kName = "frame";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column("kind", row.frame.kind);
    column.text("function", row.frame.function);
    column("function_offset", row.frame.function_offset);
    column.text("file", row.frame.file);
    column("line", row.frame.line);
    column.text("module", row.frame.module);
    column("build_id", row.frame.build_id);
    column("elf_address", row.frame.elf_address);
  }
};

// A stack is its innermost frame and the stack of the caller; 0 is the empty one.
struct StackRow {
  StackNode id{};
  StackNode caller{};
  FrameId frame{};
};
template <>
struct Table<StackRow> {
  static constexpr std::string_view kName = "stack";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column("caller", row.caller);
    column("frame", row.frame);
  }
};

struct TraceRow {
  std::uint32_t id = 0;
  TraceRecording trace;  // without what has tables of its own
  std::string kinds;     // with commas between them
};
template <>
struct Table<TraceRow> {
  static constexpr std::string_view kName = "trace";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column("began", row.trace.facts.began);
    column("ended", row.trace.facts.now);
    column("judged", row.trace.facts.judged);
    column("min_age", row.trace.facts.min_age);
    column("closings_left_out", row.trace.facts.closings_left_out);
    column("lost_holdings", row.trace.losses.holdings);
    column("lost_stacks", row.trace.losses.stacks);
    column("lost_events", row.trace.losses.events);
    column("lost_processes", row.trace.losses.processes);
    column("missed_runs", row.trace.losses.missed_runs);
    column("found", row.trace.repairs.found);
    column("inherited", row.trace.repairs.inherited);
    column("replaced", row.trace.repairs.replaced);
    column("gone", row.trace.repairs.gone);
    column("unnamed_stacks", row.trace.unnamed_stacks);
    column("command", row.trace.command);
    column("all_closings", row.trace.all_closings);
    column.words("kinds", row.kinds);
  }
};

// What a kind is called that has no name of its own.
struct NamedKindRow {
  Kind kind{};
  std::string name;
};
template <>
struct Table<NamedKindRow> {
  static constexpr std::string_view kName = "named_kind";
  static constexpr std::string_view kKey = "kind";
  static void columns(auto& column, auto& row) {
    column("kind", row.kind);
    column.text("name", row.name);
  }
};

struct SiteRow {
  SiteIndex id{};
  TraceRecord::Site site;
};
template <>
struct Table<SiteRow> {
  static constexpr std::string_view kName = "site";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column("stack", row.site.stack);
    column("special", row.site.special);
    column("kind", row.site.kind);
    column("call", row.site.call);
    column("cut", row.site.cut);
    column("live", row.site.live);
    column("at_exit", row.site.at_exit);
    column("created", row.site.created);
    column("closed", row.site.closed);
    column("created_bytes", row.site.created_bytes);
    column("closed_bytes", row.site.closed_bytes);
  }
};

struct BirthRow {
  SiteIndex site{};
  std::uint8_t eighth = 0;
  std::uint64_t count = 0;
};
template <>
struct Table<BirthRow> {
  static constexpr std::string_view kName = "birth";
  static constexpr std::string_view kKey = "site, eighth";
  static void columns(auto& column, auto& row) {
    column("site", row.site);
    column("eighth", row.eighth);
    column("count", row.count);
  }
};

struct LowRow {
  SiteIndex site{};
  BootTime time{};
  std::uint64_t live = 0;
};
template <>
struct Table<LowRow> {
  static constexpr std::string_view kName = "low";
  static constexpr std::string_view kKey = "site, time";
  static void columns(auto& column, auto& row) {
    column("site", row.site);
    column("time", row.time);
    column("live", row.live);
  }
};

struct SampleRow {
  std::uint32_t id = 0;
  BootTime time{};
};
template <>
struct Table<SampleRow> {
  static constexpr std::string_view kName = "sample";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    column("time", row.time);
  }
};

// Of a site whose counts have changed since the sample before.
struct CountRow {
  std::uint32_t sample = 0;
  SiteCount count;
};
template <>
struct Table<CountRow> {
  static constexpr std::string_view kName = "count";
  static constexpr std::string_view kKey = "sample, site";
  static void columns(auto& column, auto& row) {
    column("sample", row.sample);
    column("site", row.count.site);
    column("live", row.count.live);
    column("created", row.count.created);
    column("closed", row.count.closed);
  }
};

template <>
struct Table<TraceRecord::Process> {
  static constexpr std::string_view kName = "traced_process";
  static constexpr std::string_view kKey = "pid, start";
  static void columns(auto& column, auto& row) {
    column("pid", row.key.pid);
    column("start", row.key.start);
    column("exact_start", row.start);
    column("parent", row.parent);
    column("chosen", row.chosen);
    column("stopped", row.stopped);
    column("execs", row.execs);
    column("status", row.status);
    column("ended", row.ended);
    column.text("name", row.name);
  }
};

template <>
struct Table<TraceRecord::Table> {
  static constexpr std::string_view kName = "descriptor_table";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.table);
    column("pid", row.owner.pid);
    column("start", row.owner.start);
    column("ended", row.ended);
    column("by_exit", row.by_exit);
  }
};

// What holdings and closed holdings have in common.
struct HoldingColumns {
  static void columns(auto& column, auto& row) {
    column("descriptor_table", row.table);
    column("fd", row.fd);
    column("born", row.born);
    column("file", row.file);
    column("tid", row.tid);
    column("call", row.call);
    column("kind", row.kind);
    column("listener", row.listener);
    column("inherited", row.inherited);
  }
};

template <>
struct Table<TraceRecord::Holding> {
  static constexpr std::string_view kName = "holding";
  static constexpr std::string_view kKey = "descriptor_table, fd, born, file, kind";
  static void columns(auto& column, auto& row) {
    HoldingColumns::columns(column, row.row);
    column("site", row.site);
    column("at_exit", row.at_exit);
    column("ended", row.row.ended);
    column("bytes", row.row.bytes);
    column("weight", row.row.weight);
  }
};

struct ClosingRow {
  std::uint32_t id = 0;
  TraceRecord::Closing closing;
};
template <>
struct Table<ClosingRow> {
  static constexpr std::string_view kName = "closing";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    HoldingColumns::columns(column, row.closing.row);
    column("special", row.closing.row.origin);
    column("opener", row.closing.opener);
    column("closer", row.closing.closer);
    column("pid", row.closing.pid);
    column("time", row.closing.time);
    column("by_call", row.closing.call);
    column("shared", row.closing.shared);
  }
};

// The listen(2) of a closed listener.
struct ListenRow {
  std::uint32_t closing = 0;
  ListenerEvent listener;
};
template <>
struct Table<ListenRow> {
  static constexpr std::string_view kName = "listen";
  static constexpr std::string_view kKey = "closing";
  static void columns(auto& column, auto& row) {
    column("closing", row.closing);
    column("pid", row.listener.pid);
    column("descriptor_table", row.listener.table);
    column("fd", row.listener.fd);
    column("file", row.listener.file);
    column("family", row.listener.family);
    column("port", row.listener.port);
    column("address", row.listener.address);
    column("time", row.listener.time);
  }
};

struct ContestedRow {
  std::uint32_t id = 0;
  TraceRecord::Contested close;
};
template <>
struct Table<ContestedRow> {
  static constexpr std::string_view kName = "contested_close";
  static constexpr std::string_view kKey = "id";
  static void columns(auto& column, auto& row) {
    column("id", row.id);
    HoldingColumns::columns(column, row.close.row);
    column("opener", row.close.opener);
    column("closer", row.close.closer);
    column("pid", row.close.pid);
    column("by_tid", row.close.tid);
    column("time", row.close.time);
    column("again", row.close.again);
    column("by_call", row.close.call);
  }
};

template <>
struct Table<HoldingName> {
  static constexpr std::string_view kName = "name";
  static constexpr std::string_view kKey = "pid, fd, file";
  static void columns(auto& column, auto& row) {
    column("pid", row.pid);
    column("fd", row.fd);
    column("file", row.file);
    column.text("name", row.name);
    column.text("other_end", row.other_end);
  }
};

// The facts of explanations.
template <>
struct Table<DescriptorFact> {
  static constexpr std::string_view kName = "descriptor";
  static constexpr std::string_view kKey = "pid, own_table, fd, looks";
  static void columns(auto& column, auto& row) {
    Fields<DescriptorFact>::list(column, row);
    column("looks", row.looks);
  }
};
template <>
struct Table<SocketFact> {
  static constexpr std::string_view kName = "socket";
  static constexpr std::string_view kKey = "place, looks";
  static void columns(auto& column, auto& row) {
    column("place", row.place);
    column("looks", row.looks);
    Fields<SocketFact>::list(column, row);
  }
};
template <>
struct Table<FactRow> {
  static constexpr std::string_view kName = "fact";
  static constexpr std::string_view kKey = "record, id";
  static void columns(auto& column, auto& row) {
    column.words("record", row.record);
    column("id", row.id);
    column("looks", row.looks);
    column.words("json", row.json);
  }
};

// Calls `visit.template operator()<Row>()` for each table, in the order in which they are read:
// what others refer to first.
template <typename Visit>
void for_each_table(Visit&& visit) {
  visit.template operator()<AboutRow>();
  visit.template operator()<ContentsRow>();
  visit.template operator()<TextRow>();
  visit.template operator()<FrameRow>();
  visit.template operator()<StackRow>();
  visit.template operator()<TraceRow>();
  visit.template operator()<NamedKindRow>();
  visit.template operator()<SiteRow>();
  visit.template operator()<BirthRow>();
  visit.template operator()<LowRow>();
  visit.template operator()<SampleRow>();
  visit.template operator()<CountRow>();
  visit.template operator()<TraceRecord::Process>();
  visit.template operator()<TraceRecord::Table>();
  visit.template operator()<TraceRecord::Holding>();
  visit.template operator()<ClosingRow>();
  visit.template operator()<ListenRow>();
  visit.template operator()<ContestedRow>();
  visit.template operator()<HoldingName>();
  visit.template operator()<DescriptorFact>();
  visit.template operator()<SocketFact>();
  visit.template operator()<FactRow>();
}

}  // namespace plumb::detect
