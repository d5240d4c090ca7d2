// SPDX-License-Identifier: Apache-2.0
// Choosing, sorting and counting rows.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kStates = static_cast<std::size_t>(SocketState::kNewSynRecv) + 1;

bool passes(const Survey& survey, const Descriptor& d, const ListFilter& filter) {
  const auto among = [](const auto& wanted, auto value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
  };
  if (!among(filter.kinds, d.kind)) return false;
  if (!filter.states.empty()) {
    const Socket* socket = survey.socket_of(d);
    if (socket == nullptr || !among(filter.states, socket->state)) return false;
  }
  if (filter.older) {
    const auto age = age_at_least(survey, d);
    if (!age || *age < *filter.older) return false;
  }
  return true;
}

// Sorts by keys that are computed once a row.
template <typename Key>
void sort_by(std::vector<DescriptorIndex>& rows, bool descending, Key key_of) {
  std::vector<std::pair<decltype(key_of(rows.front())), DescriptorIndex>> keyed;
  keyed.reserve(rows.size());
  for (const DescriptorIndex row : rows) keyed.emplace_back(key_of(row), row);
  std::ranges::stable_sort(keyed, [&](const auto& left, const auto& right) {
    if (left.first.has_value() != right.first.has_value()) return left.first.has_value();
    return descending ? right.first < left.first : left.first < right.first;
  });
  std::ranges::transform(keyed, rows.begin(), [](const auto& pair) { return pair.second; });
}

}  // namespace

std::optional<SocketState> state_named(std::string_view name) {
  for (std::size_t state = 1; state < kStates; ++state) {
    if (name_of(static_cast<SocketState>(state)) == name) return static_cast<SocketState>(state);
  }
  return std::nullopt;
}

std::vector<std::string_view> state_names() {
  std::vector<std::string_view> names;
  for (std::size_t state = 1; state < kStates; ++state) {
    names.push_back(name_of(static_cast<SocketState>(state)));
  }
  return names;
}

std::vector<ProcessIndex> unreadable_processes(const Survey& survey, const Selection& selection,
                                               const ListFilter& filter) {
  std::vector<ProcessIndex> found;
  if (!filter.kinds.empty() || !filter.states.empty() || filter.older) return found;
  for (std::uint32_t at = 0; at < survey.processes.size(); ++at) {
    const ProcessIndex process{at};
    if (survey.processes[at].error != 0 && selection.has(process)) found.push_back(process);
  }
  return found;
}

std::string unreadable_text(const Survey& survey, const std::vector<ProcessIndex>& processes) {
  std::string text;
  for (const ProcessIndex index : processes) {
    const Process& process = survey.processes[number(index)];
    const std::string count =
        process.descriptors ? human_count(*process.descriptors) + " descriptors" : "descriptors";
    text +=
        fmt::format("unreadable: {} of {}({}): {}\n", count, clean(survey.texts.at(process.name)),
                    number(process.key.pid), std::generic_category().message(process.error));
  }
  return text;
}

std::vector<DescriptorIndex> list_rows(const Survey& survey, const Selection& selection,
                                       const ListFilter& filter) {
  std::vector<DescriptorIndex> rows;
  if (selection.everything) rows.reserve(survey.descriptors.size());
  for (std::uint32_t d = 0; d < survey.descriptors.size(); ++d) {
    if (selection.has_row(d) && passes(survey, survey.descriptors[d], filter)) {
      rows.push_back(DescriptorIndex{d});
    }
  }
  return rows;
}

void sort_rows(std::vector<DescriptorIndex>& rows, const Joined& joined, const Column& column,
               Direction direction) {
  if (rows.empty()) return;
  const bool descending = column.biggest_first != (direction == Direction::kReverse);
  if (column.rank != nullptr) {
    sort_by(rows, descending, [&](DescriptorIndex d) { return column.rank(joined, d); });
    return;
  }
  sort_by(rows, descending, [&](DescriptorIndex d) -> std::optional<std::string> {
    std::string cell;
    column.append(cell, joined, d);
    if (cell.empty()) return std::nullopt;
    return cell;
  });
}

std::vector<ProcessCount> count_rows(const Survey& survey,
                                     const std::vector<DescriptorIndex>& rows) {
  std::vector<ProcessCount> counts;
  for (const DescriptorIndex row : rows) {
    const Descriptor& d = survey.descriptors[number(row)];
    if (counts.empty() || counts.back().process != d.process) counts.push_back({d.process, 0, {}});
    ++counts.back().total;
    ++counts.back().kinds[static_cast<std::size_t>(d.kind)];
  }
  std::ranges::stable_sort(counts, std::ranges::greater{}, &ProcessCount::total);
  return counts;
}

}  // namespace plumb::detect
