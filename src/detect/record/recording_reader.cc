// SPDX-License-Identifier: Apache-2.0
// Reading recordings: first whether it is one, then table by table.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_map>

#include "detect/record/recording.h"
#include "detect/record/recording_rows.h"
#include "detect/record/recording_tables.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kLongestText = 64 * 1024;
constexpr std::size_t kLongestKindName = 256;
constexpr std::uint32_t kDeepest = 1024;       // frames of a stack; recorders follow a few hundred
constexpr std::size_t kMostClosings = 10'000;  // as a ledger keeps

class Reader {
 public:
  explicit Reader(Database database) : rows_(std::move(database)) {}

  Result<Recording> read(const std::string& path);

 private:
  Result<void> check(const std::string& path);
  bool has_our_tables();
  void read_texts();
  void read_stacks();
  void read_trace();
  void read_sites(TraceRecord& facts);
  void read_holdings(TraceRecord& facts);
  void read_closings(TraceRecord& facts);
  void read_contested(TraceRecord& facts);
  void read_samples();
  // Puts the place among those that were read for the number of the file; false for none.
  bool find_site(SiteIndex& site) const {
    const auto known = sites_.find(number(site));
    if (known == sites_.end()) return false;
    site = known->second;
    return true;
  }
  StackNode known_stack(StackNode in_file) const {
    return number(in_file) < stacks_.size() ? stacks_[number(in_file)] : StackStore::kEmpty;
  }
  // The same for one that will be printed. A file whose report would be out of all proportion to it
  // loses stacks.
  StackNode stack_of(StackNode in_file);

  RecordingRows rows_;
  Recording recording_;
  // By their numbers in the file, which have gaps where it is damaged.
  std::vector<FrameId> frames_;
  std::vector<StackNode> stacks_;
  // Of the stacks in the store: how deep, and about how many bytes they are when they are printed.
  struct Extent {
    std::uint32_t depth = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Extent> extents_{1};
  std::uint64_t printed_ = 0;  // of all stacks that are referred to
  std::unordered_map<std::uint32_t, SiteIndex> sites_;
  std::unordered_map<std::uint32_t, std::size_t> closings_;
};

// A number of the file may be what a table grows to: none is greater than the file can have rows.
template <typename T>
bool grow(std::vector<T>& rows, std::size_t place, std::uint64_t most, const T& filling) {
  if (place >= most) return false;
  if (place >= rows.size()) rows.resize(place + 1, filling);
  return true;
}

Result<void> Reader::check(const std::string& path) {
  Database& database = rows_.database();
  if (database.pragma("application_id") != kRecordingMark) {
    return fail("read", path, EINVAL, "it is no recording of plumb");
  }
  const std::int64_t format = database.pragma("user_version");
  if (format > kRecordingFormat) {
    return fail("read", path, ENOTSUP,
                fmt::format("it has format {}, and this plumb reads up to {}: take a newer plumb",
                            format, kRecordingFormat));
  }
  if (format >= 1 && format < kRecordingFormat) {
    return fail("read", path, ENOTSUP,
                fmt::format("it has format {}, and this plumb reads {}", format, kRecordingFormat));
  }
  if (format < 1 || !has_our_tables()) {
    if (database.cut()) {
      return fail("read", path, EINVAL,
                  "it was cut short before its tables are described: nothing is left in it");
    }
    return fail("read", path, EINVAL, "its tables are not those of a recording, or are damaged");
  }
  return {};
}

// A schema that differs in a letter may hold anything: views, computed columns.
bool Reader::has_our_tables() {
  std::set<std::string> ours;
  for_each_table([&]<typename Row>() { ours.insert(creation_of<Row>()); });
  auto schema = rows_.database().prepare("SELECT sql FROM sqlite_schema");
  if (!schema) return false;
  Statement::Step step{};
  while ((step = schema->step()) == Statement::Step::kRow) {
    if (ours.erase(std::string(schema->text(0))) == 0) return false;
  }
  return step == Statement::Step::kDone && ours.empty();
}

void Reader::read_texts() {
  rows_.read<AboutRow>([&](AboutRow row) {
    return recording_.about.emplace(std::move(row.key), std::move(row.value)).second;
  });
  rows_.read<ContentsRow>([&](const ContentsRow& row) {
    rows_.expect(row.name, row.rows);
    return true;
  });
  // Texts are taken up when all are read: the views of rows point to them.
  std::vector<std::string> texts(1);
  rows_.read<TextRow>([&](TextRow row) {
    if (!grow(texts, row.id, rows_.most_rows(), {})) return false;
    row.text.resize(std::min(row.text.size(), kLongestText));
    texts[row.id] = std::move(row.text);
    return true;
  });
  rows_.set_texts(std::move(texts));
}

void Reader::read_stacks() {
  const FrameId unknown = recording_.stacks.intern({});
  rows_.read<FrameRow>([&](const FrameRow& row) {
    if (!grow(frames_, number(row.id), rows_.most_rows(), unknown)) return false;
    frames_[number(row.id)] = recording_.stacks.intern(row.frame);
    return true;
  });
  rows_.read<StackRow>([&](const StackRow& row) {
    const bool grounded = number(row.caller) < number(row.id);
    if (!grounded || !grow(stacks_, number(row.id), rows_.most_rows(), StackStore::kEmpty)) {
      return false;
    }
    const StackNode caller = known_stack(row.caller);
    if (extents_[number(caller)].depth == kDeepest) return false;
    const std::size_t place = number(row.frame);
    const FrameId frame = place < frames_.size() ? frames_[place] : unknown;
    const StackNode made = recording_.stacks.add(caller, frame);
    stacks_[number(row.id)] = made;
    if (number(made) == extents_.size()) {
      const Extent& below = extents_[number(caller)];
      const Frame& own = recording_.stacks.frame(frame);
      extents_.push_back({below.depth + 1, below.bytes + 64 + own.function.size() +
                                               own.file.size() + own.module.size()});
    }
    return true;
  });
}

StackNode Reader::stack_of(StackNode in_file) {
  const StackNode stack = known_stack(in_file);
  printed_ += extents_[number(stack)].bytes;
  return printed_ <= rows_.most_output() ? stack : StackStore::kEmpty;
}

std::vector<Kind> kinds_named(std::string_view names) {
  std::vector<Kind> kinds;
  while (!names.empty()) {
    const auto comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    auto kind = kind_named(name);
    if (!kind) kind = resource_named(name);
    if (kind) kinds.push_back(*kind);
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return kinds;
}

void Reader::read_trace() {
  rows_.read<TraceRow>([&](TraceRow row) {
    const TraceRecord& facts = row.trace.facts;
    if (facts.began > facts.judged || facts.judged > facts.now) return false;
    if (facts.min_age.count() < 0) return false;
    row.trace.kinds = kinds_named(row.kinds);
    recording_.trace = std::move(row.trace);
    return true;
  });
  // Without the row the tables below would hang in the air.
  TraceRecording nothing;
  TraceRecording& trace = recording_.trace ? *recording_.trace : nothing;
  rows_.read<NamedKindRow>([&](NamedKindRow row) {
    row.name.resize(std::min(row.name.size(), kLongestKindName));
    return trace.named_kinds.emplace(row.kind, std::move(row.name)).second;
  });
  read_sites(trace.facts);
  read_samples();
  rows_.read<TraceRecord::Process>([&](TraceRecord::Process row) {
    trace.facts.processes.push_back(std::move(row));
    return true;
  });
  rows_.read<TraceRecord::Table>([&](TraceRecord::Table row) {
    trace.facts.tables.push_back(row);
    return true;
  });
  read_holdings(trace.facts);
  read_closings(trace.facts);
  read_contested(trace.facts);
  rows_.read<HoldingName>([&](HoldingName row) {
    trace.names.push_back(std::move(row));
    return true;
  });
  rows_.read<FactRow>([&](FactRow row) {
    if (row.json.size() > kLongestFact) return false;
    recording_.facts.rows.push_back(std::move(row));
    return true;
  });
  const auto take = [](auto& all) {
    return [&all](auto row) {
      all.push_back(std::move(row));
      return true;
    };
  };
  TextPool* texts = &recording_.facts.texts;
  rows_.read<DescriptorFact>(take(recording_.facts.descriptors), texts);
  rows_.read<SocketFact>(take(recording_.facts.sockets), texts);
}

void Reader::read_sites(TraceRecord& facts) {
  rows_.read<SiteRow>([&](const SiteRow& row) {
    if (row.site.special > OriginId::kNoStack && row.site.special != OriginId::kFirst) return false;
    const SiteIndex index{static_cast<std::uint32_t>(facts.sites.size())};
    if (!sites_.try_emplace(number(row.id), index).second) return false;
    facts.sites.push_back(row.site);
    facts.sites.back().stack = stack_of(row.site.stack);
    return true;
  });
  rows_.read<BirthRow>([&](BirthRow row) {
    if (!find_site(row.site)) return false;
    auto& births = facts.sites[number(row.site)].births;
    if (row.eighth >= births.size()) return false;
    births[row.eighth] = row.count;
    return true;
  });
  rows_.read<LowRow>([&](LowRow row) {
    if (!find_site(row.site)) return false;
    facts.sites[number(row.site)].series.push_back({row.time, row.live});
    return true;
  });
  // A damaged table may tell its rows in any order.
  for (auto& site : facts.sites) {
    std::ranges::sort(site.series, {}, &TraceRecord::Site::Point::time);
  }
}

void Reader::read_holdings(TraceRecord& facts) {
  rows_.read<TraceRecord::Holding>([&](TraceRecord::Holding row) {
    if (!find_site(row.site) || (row.at_exit && row.row.born > facts.now)) return false;
    facts.holdings.push_back(row);
    return true;
  });
}

void Reader::read_closings(TraceRecord& facts) {
  rows_.read<ClosingRow>([&](ClosingRow row) {
    TraceRecord::Closing& closing = row.closing;
    if (closing.opener && !find_site(*closing.opener)) closing.opener.reset();
    if (closing.closer) closing.closer = stack_of(*closing.closer);
    if (facts.closings.size() == kMostClosings) return false;
    if (!closings_.try_emplace(row.id, facts.closings.size()).second) return false;
    facts.closings.push_back(std::move(closing));
    return true;
  });
  rows_.read<ListenRow>([&](const ListenRow& row) {
    const auto closing = closings_.find(row.closing);
    if (closing == closings_.end()) return false;
    facts.closings[closing->second].listener = row.listener;
    return true;
  });
}

void Reader::read_contested(TraceRecord& facts) {
  rows_.read<ContestedRow>([&](ContestedRow row) {
    TraceRecord::Contested& close = row.close;
    if (close.opener && !find_site(*close.opener)) close.opener.reset();
    if (close.closer) close.closer = stack_of(*close.closer);
    if (facts.contested.size() == kMostClosings) return false;
    facts.contested.push_back(std::move(close));
    return true;
  });
}

void Reader::read_samples() {
  std::map<std::uint32_t, Recording::Sample> samples;
  rows_.read<SampleRow>([&](const SampleRow& row) {
    return samples.try_emplace(row.id, Recording::Sample{row.time, {}}).second;
  });
  constexpr std::size_t kMostSamples = 1024;  // a recorder keeps 128
  std::map<std::uint32_t, std::vector<SiteCount>> changes;
  rows_.read<CountRow>([&](CountRow row) {
    if (!find_site(row.count.site)) return false;
    changes[row.sample].push_back(row.count);
    return true;
  });
  std::vector<SiteCount> counts;
  auto next = changes.begin();
  for (auto& [id, sample] : samples) {
    for (; next != changes.end() && next->first <= id; ++next) {
      for (const SiteCount& count : next->second) {
        const std::size_t place = number(count.site);
        for (std::size_t i = counts.size(); i <= place; ++i) {
          counts.push_back({SiteIndex{static_cast<std::uint32_t>(i)}, 0, 0, 0});
        }
        counts[place] = count;
      }
    }
    sample.counts = counts;
    if (recording_.samples.size() < kMostSamples) recording_.samples.push_back(std::move(sample));
  }
}

Result<Recording> Reader::read(const std::string& path) {
  if (auto ours = check(path); !ours) return std::move(ours).error();
  if (rows_.database().cut()) rows_.missing().emplace_back("the end of the file");
  read_texts();
  read_stacks();
  read_trace();
  recording_.missing = std::move(rows_.missing());
  return std::move(recording_);
}

}  // namespace

Result<Recording> read_recording(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return std::move(database).error();
  return Reader(*std::move(database)).read(path);
}

Result<Recording> read_recording(std::vector<std::byte> bytes) {
  auto database = Database::open_bytes(std::move(bytes));
  if (!database) return std::move(database).error();
  return Reader(*std::move(database)).read("the recording");
}

}  // namespace plumb::detect
