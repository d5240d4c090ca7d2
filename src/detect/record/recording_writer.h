// SPDX-License-Identifier: Apache-2.0
// RecordingWriter: facts into a recording, bit by bit while they come, so that one whose writer was
// killed still has what was there at the last write.
//
// Threads: one. Memory: 60 bytes a living holding and each text once, to know what has changed. The
// file: see docs/recording.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "detect/record/fact_set.h"
#include "detect/record/recording_columns.h"
#include "detect/record/recording_database.h"
#include "detect/record/trace_record.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class RecordingWriter {
 public:
  // Errors: of Database::create.
  static Result<std::unique_ptr<RecordingWriter>> create(const std::string& path,
                                                         std::uint64_t most_bytes);

  // What made the recording: "plumb" "0.1.0". Before the first write().
  void about(std::string_view key, std::string_view value);

  // Counts of all sites at one time, in the order of the sites, for comparisons between times. At
  // most 128 times are kept; when they are full every second one gives way.
  void sample(BootTime time, std::span<const SiteCount> counts);
  // How many calls of sample() the kept times are apart: 1, and twice that each time they are full.
  // Who samples at intervals makes them so many times longer.
  std::uint32_t stride() const { return stride_; }

  // Brings the file up to these facts. `stacks` may only have grown since the last time. Errors: as
  // of Database::run; after one the file stands as it was before, and stays so.
  Result<void> write(const TraceRecording& trace, const StackStore& stacks);

  // Puts these facts in the place of those that the file has. Errors: as of write(); EFBIG is none:
  // where they find no room the file stays as it was, and the answer is no.
  Result<bool> put_facts(const FactSet& facts);

  // Bytes that the file has now.
  std::uint64_t size();

 private:
  using HoldingKey = std::tuple<TableId, Fd, BootTime, FileId, Kind>;
  struct KeyHash {
    std::size_t operator()(const HoldingKey& key) const noexcept;
  };
  // What is in the file of a holding.
  struct Written {
    SiteIndex site{};
    bool at_exit = false;
    bool ended = false;
    std::uint32_t round = 0;
    std::uint64_t bytes = 0;
  };

  explicit RecordingWriter(Database database) : database_(std::move(database)) {}
  Result<void> begin();
  void put_stacks(const StackStore& stacks);
  void put_trace(const TraceRecording& trace);
  void put_holdings(const TraceRecord& facts);
  void put_samples();
  void thin_samples();
  void put_texts();
  void put_contents();
  void run(const std::string& sql);
  template <typename Row>
  void put(const Row& row, const TextPool* pool = nullptr);
  template <typename Row>
  void put_all_anew(const auto& rows);

  Database database_;
  std::map<std::string_view, Statement> insertions_;
  std::optional<Statement> removal_;  // of a holding
  std::optional<Error> failure_;
  std::vector<std::pair<std::string, std::string>> about_;

  TextNumbers texts_;
  std::size_t texts_written_ = 0;
  std::size_t frames_written_ = 0;
  std::size_t stacks_written_ = 0;
  std::unordered_map<HoldingKey, Written, KeyHash> holdings_;
  std::uint32_t round_ = 0;

  struct Sample {
    std::uint32_t id = 0;
    BootTime time{};
    std::vector<SiteCount> changed;
  };
  std::vector<Sample> samples_;  // not yet written
  std::vector<SiteCount> last_;  // as of the last sample
  std::uint32_t next_sample_ = 0;
  std::uint32_t samples_kept_ = 0;
  std::uint32_t stride_ = 1;
};

}  // namespace plumb::detect
