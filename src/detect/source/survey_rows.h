// SPDX-License-Identifier: Apache-2.0
// SurveyRows: the iterators' rows (bpf/survey_abi.h) in, a Survey out. Pure and bounded: it reads
// nothing but its arguments, and rows that make no sense are counted, never followed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/bpf/survey_abi.h"
#include "detect/source/known_names.h"
#include "detect/source/process_rows.h"
#include "detect/source/row_room.h"
#include "detect/source/socket_rows.h"

namespace plumb::detect {

class SurveyRows {
 public:
  struct Machine {
    BootTime began{};                 // when the iterators were started
    std::chrono::nanoseconds tick{};  // how long a jiffy lasts
    std::size_t page_bytes = 0;
    // About how many will come, or 0: room is reserved for as many, which costs address space, not
    // memory, and saves moving them as their vector grows.
    std::size_t descriptors = 0;
    RowRoom* room = nullptr;  // made before; where there is none, the rows make their own
  };
  SurveyRows(const SurveyRequest& request, const Machine& machine);

  // Whole rows, first all of the thread iterator, then those of the file iterator. What does not
  // parse is skipped to the end of `rows` and counted.
  void add(std::span<const std::byte> rows);
  // The processes, by number; after the last row of a thread and before the first of a file.
  std::span<const Process> processes();
  // Processes of which no descriptor came, from any of their tables: they may have gone since.
  std::vector<ProcessIndex> without_descriptors();
  // Takes processes out that have gone, after the last add() and before finish(). One that has
  // descriptors stays.
  void leave_out(std::span<const ProcessIndex> gone);

  Survey finish() &&;
  // Good between the last add() and finish().
  const std::vector<ProcessRows::Extra>& extras() const { return processes_.extras(); }
  Survey& survey() { return survey_; }

 private:
  // Rows of one table, which the iterator shows in one go.
  struct Run {
    ProcessIndex process;
    Tid table;
    std::size_t first;
    std::uint64_t address;  // struct files_struct
    std::int32_t tid;
    bool skipped;
  };
  void settle_processes();
  void add_file(std::span<const std::byte> row);
  bool start_run(const survey_file& file);
  bool seen_before(ProcessIndex process, std::uint64_t table) const;
  std::optional<KnownNames::Name> name_of(const survey_file& file, std::string_view text);
  void order_runs();
  std::vector<bool> holders() const;  // by process: whether it has descriptors

  const SurveyRequest& request_;
  Survey survey_;
  ProcessRows processes_;
  SocketRows sockets_;
  bool settled_ = false;
  std::vector<Run> runs_;
  KnownNames known_names_;
  std::uint64_t broken_ = 0;
  std::uint64_t names_lost_ = 0;
};

}  // namespace plumb::detect
