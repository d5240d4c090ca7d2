// SPDX-License-Identifier: Apache-2.0
// Recordings from strangers: read, made a ledger and an explanation of, and reported in every form.
// The input is either a file, or a list of rows for a file with the right tables, which gets
// further in.
#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "detect/finding/recorded_facts.h"
#include "detect/model/trace_difference.h"
#include "detect/record/recording.h"
#include "detect/record/recording_tables.h"
#include "detect/report/difference_document.h"
#include "detect/report/finding_document.h"
#include "detect/report/recorded_trace.h"

namespace plumb::detect {
namespace {

class Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool more() const { return !bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  std::int64_t wide() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8U | byte();
    return static_cast<std::int64_t>(value);
  }
  std::string text() {
    std::string text(byte() % 32U, ' ');
    for (char& c : text) c = static_cast<char>(byte());
    return text;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

constexpr std::array<std::string_view, 21> kRecords = {"observation",   "look",
                                                       "survey",        "process",
                                                       "thread",        "detail",
                                                       "lock",          "tracked",
                                                       "listener",      "capture",
                                                       "connection",    "exchange",
                                                       "held_requests", "idle_connections",
                                                       "go_statement",  "goroutines",
                                                       "mappings",      "thread_stack",
                                                       "mark",          "rerun",
                                                       "refusals"};
constexpr std::array<std::string_view, 64> kMembers = {"pid",         "start",
                                                       "parent",      "state",
                                                       "name",        "command_line",
                                                       "fd",          "kind",
                                                       "file",        "socket",
                                                       "detail",      "epoll",
                                                       "watches",     "pty",
                                                       "master",      "id",
                                                       "local",       "remote",
                                                       "address",     "port",
                                                       "look",        "listener",
                                                       "tid",         "waits_in",
                                                       "number",      "args",
                                                       "wait",        "polled",
                                                       "listed",      "changes",
                                                       "looks",       "time",
                                                       "first_look",  "same_wait",
                                                       "connection",  "request",
                                                       "response",    "framing",
                                                       "fields",      "differences",
                                                       "upstream",    "process",
                                                       "stack",       "states",
                                                       "requests",    "key",
                                                       "creator",     "counts",
                                                       "count",       "reason",
                                                       "function",    "rows",
                                                       "victims",     "self",
                                                       "inode",       "progress",
                                                       "taken",       "value",
                                                       "exchanges",   "method",
                                                       "role",        "descriptor_limit",
                                                       "descriptors", "status"};

// An object, a list, or a value, as the script has it.
std::string json_of(Script& script, int depth) {
  const std::uint8_t sort = script.byte();
  if (depth < 5 && sort >= 160) {
    const bool object = depth == 0 || sort < 220;
    std::string all(1, object ? '{' : '[');
    for (unsigned left = script.byte() % 12U; left > 0 && script.more(); --left) {
      if (all.size() > 1) all += ',';
      if (object) all.append("\"").append(kMembers[script.byte() % kMembers.size()]).append("\":");
      all += json_of(script, depth + 1);
    }
    return all + (object ? '}' : ']');
  }
  if (sort < 110) return std::to_string(sort % 12);
  if (sort < 120) return "true";
  if (sort < 130) return std::to_string(script.wide());
  if (sort < 150) return "\"" + std::string(sort < 140 ? "tcp" : "epoll") + "\"";
  return "\"S\"";
}

// What an INSERT takes: its text, and how many values.
struct Insertion {
  std::string sql;
  int columns = 0;
  bool fact = false;
};

std::vector<Insertion> insertions() {
  std::vector<Insertion> all;
  for_each_table([&]<typename Row>() {
    const ColumnNames columns = columns_of<Row>();
    int count = 0;
    for (const char c : columns.marks) count += c == '?';
    all.push_back({"INSERT OR REPLACE INTO " + std::string(Table<Row>::kName) + " (" +
                       columns.names + ") VALUES (" + columns.marks + ")",
                   count, std::is_same_v<Row, FactRow>});
  });
  return all;
}

void bind(sqlite3_stmt* statement, int place, Script& script) {
  const std::uint8_t sort = script.byte();
  if (sort < 200) {
    sqlite3_bind_int64(statement, place, sort % 20);
  } else if (sort < 230) {
    sqlite3_bind_int64(statement, place, script.wide());
  } else if (sort < 240) {
    const std::string text = script.text();
    sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  } else if (sort < 250) {
    const std::string bytes = script.text();
    sqlite3_bind_blob(statement, place, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_TRANSIENT);
  } else {
    sqlite3_bind_null(statement, place);
  }
}

void bind_fact(sqlite3_stmt* statement, Script& script) {
  const std::string_view record = kRecords[script.byte() % kRecords.size()];
  sqlite3_bind_text(statement, 1, record.data(), static_cast<int>(record.size()), SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, script.byte());
  sqlite3_bind_int64(statement, 3, script.byte() % 4);
  std::string json = json_of(script, 0);
  if (!json.starts_with('{')) json = "{\"pid\":" + json + ",\"fd\":1,\"kind\":\"tcp\"}";
  sqlite3_bind_text(statement, 4, json.data(), static_cast<int>(json.size()), SQLITE_TRANSIENT);
}

// A file with the rows of the script.
std::vector<std::byte> file_of(Script script) {
  static const std::vector<Insertion> kInsertions = insertions();
  sqlite3* database = nullptr;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) std::abort();
  std::string setup =
      "PRAGMA page_size=512; PRAGMA application_id=" + std::to_string(kRecordingMark) +
      "; PRAGMA user_version=" + std::to_string(kRecordingFormat) + "; BEGIN;";
  for_each_table([&]<typename Row>() { setup += creation_of<Row>() + ";"; });
  if (sqlite3_exec(database, setup.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
  while (script.more()) {
    const Insertion& insertion = kInsertions[script.byte() % kInsertions.size()];
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, insertion.sql.c_str(), -1, &statement, nullptr);
    if (insertion.fact) {
      bind_fact(statement, script);
    } else {
      for (int i = 1; i <= insertion.columns; ++i) bind(statement, i, script);
    }
    sqlite3_step(statement);
    sqlite3_finalize(statement);
  }
  sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_int64 size = 0;
  unsigned char* image = sqlite3_serialize(database, "main", &size, 0);
  if (image == nullptr) std::abort();
  const auto* first = reinterpret_cast<const std::byte*>(image);
  std::vector<std::byte> bytes(first, first + size);
  sqlite3_free(image);
  sqlite3_close(database);
  return bytes;
}

void report(const Recording& recording) {
  const Sink nowhere = [](std::string_view) { return true; };
  const TraceRecording& trace = *recording.trace;
  const RecordedTrace recorded(recording);
  const TraceDocument document = recorded.document();
  write_trace_text(document, {.colours = true, .width = 80}, nowhere);
  write_trace_json(document, nowhere);
  write_trace_folded(document, nowhere);
  write_trace_pprof(document, nowhere);
  const TraceMoment end = end_of(trace, recording.stacks);
  for (const auto& sample : recording.samples) {
    const auto origins = differences(moment_of(trace, recording.stacks, sample.time, sample.counts),
                                     end, SameTrace::kYes);
    const DifferenceDocument difference{.origins = origins, .before = "a", .after = "b"};
    write_difference_text(difference, {}, nowhere);
    write_difference_json(difference, nowhere);
  }
}

void explain(const Recording& recording) {
  const auto facts = RecordedFacts::read(recording.facts);
  if (facts == nullptr) return;
  const TraceRecord nothing;
  const TraceLedger ledger(recording.trace ? recording.trace->facts : nothing);
  const TraceFacts trace{ledger, recording.stacks, {}};
  const Explanation explanation = facts->explain(recording.trace ? &trace : nullptr);
  const FindingDocument document{.explanation = explanation,
                                 .observed = facts->observation().span(),
                                 .looks = facts->observation().times().size(),
                                 .traced = facts->by().traced,
                                 .missing = facts->by().missing,
                                 .everything = true};
  const Sink nowhere = [](std::string_view) { return true; };
  write_findings_text(document, {.colours = true, .width = 80}, nowhere);
  write_findings_json(document, nowhere);
  write_findings_html(document, nowhere);
}

}  // namespace
}  // namespace plumb::detect

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  constexpr std::string_view kMagic = "SQLite format 3";
  const std::span<const std::uint8_t> input(data, size);
  const bool file = size > kMagic.size() && std::memcmp(data, kMagic.data(), kMagic.size()) == 0;
  const auto bytes = std::as_bytes(input);
  auto recording = read_recording(file ? std::vector<std::byte>(bytes.begin(), bytes.end())
                                       : file_of(Script(input)));
  if (recording.ok() && recording->trace) report(*recording);
  if (recording.ok()) explain(*recording);
  return 0;
}
