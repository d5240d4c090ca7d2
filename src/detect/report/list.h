// SPDX-License-Identifier: Apache-2.0
// The documents of `plumb ls`: a line a descriptor, counts by process, and the same as JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/selector.h"
#include "detect/report/columns.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

// Which rows; what is empty or absent lets everything through.
struct ListFilter {
  std::vector<Kind> kinds;
  std::vector<SocketState> states;
  // Rows of which it is known that they are at least this old; rows of unknown age do not pass.
  std::optional<std::chrono::nanoseconds> older;
};

std::optional<SocketState> state_named(std::string_view name);
std::vector<std::string_view> state_names();

// The chosen rows in the order of the survey.
std::vector<DescriptorIndex> list_rows(const Survey& survey, const Selection& selection,
                                       const ListFilter& filter);

// The chosen processes whose descriptors could not be read; none where `filter` asks for rows of a
// certain sort.
std::vector<ProcessIndex> unreadable_processes(const Survey& survey, const Selection& selection,
                                               const ListFilter& filter);
// A line each: whose descriptors are missing, how many, and why.
std::string unreadable_text(const Survey& survey, const std::vector<ProcessIndex>& processes);

// In the column's own direction, or the other one; equal ones and those without a value keep their
// order, the latter at the end.
enum class Direction : unsigned char { kOwn, kReverse };
void sort_rows(std::vector<DescriptorIndex>& rows, const Joined& joined, const Column& column,
               Direction direction);

// A heading and a line a row. On paper that cuts, lines fit it.
void write_list(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                const std::vector<const Column*>& columns, const Paper& paper, const Sink& sink);

// A "process" record before the first of its rows, a "descriptor" record a row, a "process" record
// with its errno for each of `unreadable` that has no row, a "survey" record.
// Uses a second thread where there is much to do, and calls the sink from both, in order and never
// at once.
void write_list_json(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                     const std::vector<ProcessIndex>& unreadable, const Sink& sink);

// How many rows of each kind a process has.
struct ProcessCount {
  ProcessIndex process{};
  std::uint32_t total = 0;
  KindCounts kinds{};
};

// Processes with rows, most first. Needs no joins and no names.
std::vector<ProcessCount> count_rows(const Survey& survey,
                                     const std::vector<DescriptorIndex>& rows);
void write_counts(const Survey& survey, const std::vector<ProcessCount>& counts, const Paper& paper,
                  const Sink& sink);
void write_counts_json(const Survey& survey, const std::vector<ProcessCount>& counts,
                       const Sink& sink);

// "990 unix, 12 file, 3 pipe": most first; the least are summed up as "5 others" where `width`
// would be exceeded (0: never).
std::string kinds_text(const KindCounts& kinds, std::size_t width);

}  // namespace plumb::detect
