// SPDX-License-Identifier: Apache-2.0
// Writing recordings: what only grows is appended, holdings are compared with what the file has,
// and what is small is written anew.
#include "detect/record/recording_writer.h"

#include <algorithm>
#include <cerrno>
#include <functional>

#include "detect/record/recording_tables.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kMostSamples = 128;

std::string names_of(const std::vector<Kind>& kinds) {
  std::string names;
  for (const Kind kind : kinds) names.append(names.empty() ? "" : ",").append(name_of(kind));
  return names;
}

bool same(const SiteCount& a, const SiteCount& b) {
  return a.live == b.live && a.created == b.created && a.closed == b.closed;
}

}  // namespace

std::size_t RecordingWriter::KeyHash::operator()(const HoldingKey& key) const noexcept {
  const auto& [table, fd, born, file, kind] = key;
  const auto slot = std::uint64_t{number(table)} << 32U | static_cast<std::uint32_t>(number(fd));
  return std::hash<std::uint64_t>{}(slot * 0x9e3779b97f4a7c15U) ^
         std::hash<std::int64_t>{}(born.time_since_epoch().count()) ^
         std::hash<std::uint64_t>{}(number(file) * 0xc2b2ae3d27d4eb4fU);
}

Result<std::unique_ptr<RecordingWriter>> RecordingWriter::create(const std::string& path,
                                                                 std::uint64_t most_bytes) {
  auto database = Database::create(path, most_bytes);
  if (!database) return std::move(database).error();
  std::unique_ptr<RecordingWriter> writer(new RecordingWriter(*std::move(database)));
  if (auto begun = writer->begin(); !begun) return std::move(begun).error();
  return writer;
}

Result<void> RecordingWriter::begin() {
  run("BEGIN");
  run("PRAGMA application_id=" + std::to_string(kRecordingMark));
  run("PRAGMA user_version=" + std::to_string(kRecordingFormat));
  for_each_table([this]<typename Row>() { run(creation_of<Row>()); });
  run("COMMIT");
  if (failure_) return *failure_;
  return {};
}

void RecordingWriter::about(std::string_view key, std::string_view value) {
  about_.emplace_back(key, value);
}

void RecordingWriter::run(const std::string& sql) {
  if (failure_) return;
  if (auto done = database_.run(sql); !done) failure_ = std::move(done).error();
}

template <typename Row>
void RecordingWriter::put(const Row& row, const TextPool* pool) {
  if (failure_) return;
  auto known = insertions_.find(Table<Row>::kName);
  if (known == insertions_.end()) {
    const ColumnNames columns = columns_of<Row>();
    auto prepared = database_.prepare("INSERT OR REPLACE INTO " + std::string(Table<Row>::kName) +
                                      " (" + columns.names + ") VALUES (" + columns.marks + ")");
    if (!prepared) {
      failure_ = std::move(prepared).error();
      return;
    }
    known = insertions_.emplace(Table<Row>::kName, *std::move(prepared)).first;
  }
  Statement& insertion = known->second;
  BindColumns bind(insertion, texts_, pool);
  Table<Row>::columns(bind, row);
  if (insertion.step() == Statement::Step::kFailed) failure_ = database_.error("write");
  insertion.reset();
}

template <typename Row>
void RecordingWriter::put_all_anew(const auto& rows) {
  run("DELETE FROM " + std::string(Table<Row>::kName));
  for (const Row& row : rows) put(row);
}

Result<void> RecordingWriter::write(const TraceRecording& trace, const StackStore& stacks) {
  if (failure_) return *failure_;
  run("BEGIN");
  for (const auto& [key, value] : about_) put(AboutRow{key, value});
  about_.clear();
  put_stacks(stacks);
  put_trace(trace);
  put_holdings(trace.facts);
  put_samples();
  put_texts();
  put_contents();
  run("COMMIT");
  if (!failure_) return {};
  (void)database_.run("ROLLBACK");  // fails where SQLite has done it already
  return *failure_;
}

void RecordingWriter::put_stacks(const StackStore& stacks) {
  for (; frames_written_ < stacks.frame_count(); ++frames_written_) {
    const FrameId id{static_cast<std::uint32_t>(frames_written_)};
    put(FrameRow{id, stacks.frame(id)});
  }
  // The empty stack needs no row.
  for (stacks_written_ = std::max<std::size_t>(stacks_written_, 1);
       stacks_written_ < stacks.node_count(); ++stacks_written_) {
    const StackNode id{static_cast<std::uint32_t>(stacks_written_)};
    put(StackRow{id, stacks.node(id).caller, stacks.node(id).frame});
  }
}

void RecordingWriter::put_trace(const TraceRecording& trace) {
  const TraceRecord& facts = trace.facts;
  TraceRow row;
  row.trace.facts.began = facts.began;
  row.trace.facts.now = facts.now;
  row.trace.facts.judged = facts.judged;
  row.trace.facts.min_age = facts.min_age;
  row.trace.facts.closings_left_out = facts.closings_left_out;
  row.trace.losses = trace.losses;
  row.trace.repairs = trace.repairs;
  row.trace.unnamed_stacks = trace.unnamed_stacks;
  row.trace.command = trace.command;
  row.trace.all_closings = trace.all_closings;
  row.kinds = names_of(trace.kinds);
  put(row);
  for (const auto& [kind, name] : trace.named_kinds) put(NamedKindRow{kind, name});

  run("DELETE FROM low");
  for (std::size_t i = 0; i < facts.sites.size(); ++i) {
    const TraceRecord::Site& site = facts.sites[i];
    const SiteIndex id{static_cast<std::uint32_t>(i)};
    put(SiteRow{id, site});
    for (std::uint8_t eighth = 0; eighth < site.births.size(); ++eighth) {
      // A count of none is written too: there may have been some before.
      put(BirthRow{id, eighth, site.births[eighth]});
    }
    for (const auto& point : site.series) put(LowRow{id, point.time, point.live});
  }
  put_all_anew<TraceRecord::Process>(facts.processes);
  put_all_anew<TraceRecord::Table>(facts.tables);
  for (std::uint32_t i = 0; i < facts.closings.size(); ++i) {
    put(ClosingRow{i, facts.closings[i]});
    if (facts.closings[i].listener) put(ListenRow{i, *facts.closings[i].listener});
  }
  for (std::uint32_t i = 0; i < facts.contested.size(); ++i) {
    put(ContestedRow{i, facts.contested[i]});
  }
  put_all_anew<HoldingName>(trace.names);
}

void RecordingWriter::put_holdings(const TraceRecord& facts) {
  ++round_;
  for (const TraceRecord::Holding& holding : facts.holdings) {
    const LiveHolding& row = holding.row;
    const HoldingKey key{row.table, row.fd, row.born, row.file, row.kind};
    const auto [known, is_new] = holdings_.try_emplace(key);
    Written& written = known->second;
    const bool changed = written.site != holding.site || written.at_exit != holding.at_exit ||
                         written.ended != row.ended || written.bytes != row.bytes;
    if (is_new || changed) put(holding);
    written = {holding.site, holding.at_exit, row.ended, round_, row.bytes};
  }
  if (!removal_) {
    auto prepared = database_.prepare(
        "DELETE FROM holding WHERE descriptor_table = ? AND fd = ? AND born = ? "
        "AND file = ? AND kind = ?");
    if (!prepared) {
      if (!failure_) failure_ = std::move(prepared).error();
      return;
    }
    removal_ = *std::move(prepared);
  }
  for (auto at = holdings_.begin(); at != holdings_.end();) {
    if (at->second.round == round_) {
      ++at;
      continue;
    }
    const auto& [table, fd, born, file, kind] = at->first;
    removal_->bind(1, to_integer(table));
    removal_->bind(2, to_integer(fd));
    removal_->bind(3, to_integer(born));
    removal_->bind(4, to_integer(file));
    removal_->bind(5, to_integer(kind));
    if (removal_->step() == Statement::Step::kFailed && !failure_) {
      failure_ = database_.error("write");
    }
    removal_->reset();
    at = holdings_.erase(at);
  }
}

void RecordingWriter::sample(BootTime time, std::span<const SiteCount> counts) {
  Sample sample{next_sample_, time, {}};
  next_sample_ += stride_;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (i < last_.size() && same(counts[i], last_[i])) continue;
    sample.changed.push_back(counts[i]);
  }
  last_.assign(counts.begin(), counts.end());
  samples_.push_back(std::move(sample));
}

void RecordingWriter::put_samples() {
  for (const Sample& sample : samples_) {
    put(SampleRow{sample.id, sample.time});
    for (const SiteCount& count : sample.changed) put(CountRow{sample.id, count});
    ++samples_kept_;
  }
  const bool newest_stays = !samples_.empty() && samples_.back().id % (2 * stride_) == 0;
  if (samples_kept_ > kMostSamples && newest_stays) thin_samples();
  samples_.clear();
}

// What a dropped time has told moves to the one after it, where that tells nothing newer.
void RecordingWriter::thin_samples() {
  const std::string odd =
      "sample % " + std::to_string(2 * stride_) + " = " + std::to_string(stride_);
  run("UPDATE OR IGNORE count SET sample = sample + " + std::to_string(stride_) + " WHERE " + odd);
  run("DELETE FROM count WHERE " + odd);
  run("DELETE FROM sample WHERE id % " + std::to_string(2 * stride_) + " = " +
      std::to_string(stride_));
  stride_ *= 2;
  samples_kept_ = (samples_kept_ + 1) / 2;
  next_sample_ = (next_sample_ + stride_ - 1) / stride_ * stride_;
}

void RecordingWriter::put_texts() {
  std::vector<std::pair<std::uint32_t, const std::string*>> fresh;
  for (const auto& [text, id] : texts_) {
    if (id > texts_written_) fresh.emplace_back(id, &text);
  }
  std::ranges::sort(fresh);
  for (const auto& [id, text] : fresh) put(TextRow{id, *text});
  texts_written_ = texts_.size();
}

Result<bool> RecordingWriter::put_facts(const FactSet& facts) {
  if (failure_) return *failure_;
  run("BEGIN");
  for (const auto& [key, value] : about_) put(AboutRow{key, value});
  run("DELETE FROM descriptor");
  run("DELETE FROM socket");
  run("DELETE FROM fact");
  for (const DescriptorFact& fact : facts.descriptors) put(fact, &facts.texts);
  for (const SocketFact& fact : facts.sockets) put(fact, &facts.texts);
  for (const FactRow& fact : facts.rows) put(fact);
  const std::size_t texts_before = texts_written_;
  put_texts();
  put_contents();
  run("COMMIT");
  if (!failure_) {
    about_.clear();
    return true;
  }
  (void)database_.run("ROLLBACK");
  if (failure_->code != EFBIG) return *failure_;
  failure_.reset();
  texts_written_ = texts_before;  // whoever writes next writes them
  return false;
}

void RecordingWriter::put_contents() {
  for_each_table([this]<typename Row>() {
    if (std::is_same_v<Row, ContentsRow> || failure_) return;
    const std::string name(Table<Row>::kName);
    auto counted = database_.prepare("SELECT count(*) FROM " + name);
    if (!counted || counted->step() != Statement::Step::kRow) {
      failure_ = database_.error("write");
      return;
    }
    const auto rows = static_cast<std::uint64_t>(counted->integer(0));
    counted->reset();
    put(ContentsRow{name, rows});
  });
}

std::uint64_t RecordingWriter::size() {
  return static_cast<std::uint64_t>(database_.pragma("page_count") * database_.pragma("page_size"));
}

}  // namespace plumb::detect
