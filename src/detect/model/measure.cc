// SPDX-License-Identifier: Apache-2.0
// Counting.
#include "detect/model/measure.h"

#include <algorithm>
#include <variant>

namespace plumb::detect {
namespace {

bool is_shared_memory(std::string_view path) {
  return path.starts_with("/dev/shm/") || path.starts_with("/memfd:") || path.starts_with("/SYSV");
}

// A reader that is slow, or a program that is stopped for a moment, comes back sooner.
constexpr auto kNobodyReads = std::chrono::seconds(3);

bool unread_for_long(const Survey& survey, const Socket& socket) {
  if (socket.state != SocketState::kEstablished && socket.state != SocketState::kCloseWait) {
    return false;
  }
  const std::uint32_t end = socket.state == SocketState::kCloseWait ? 1 : 0;  // counts as a byte
  return socket.receive_queue.value_or(0) > end && socket.last_received &&
         survey.taken - *socket.last_received >= kNobodyReads;
}

void count_row(const Joined& joined, const Descriptor& row, Counts& counts) {
  const Survey& survey = joined.survey;
  ++counts[place_of(measure_of(row.kind))];
  ++counts[place_of(Measure::kDescriptors)];
  if (row.unlinked && row.kind == Kind::kFile && !is_shared_memory(survey.texts.at(row.name))) {
    ++counts[place_of(Measure::kUnlinked)];
  }
  const Socket* socket = survey.socket_of(row);
  if (socket != nullptr) {
    counts[place_of(Measure::kCloseWait)] += socket->state == SocketState::kCloseWait;
    counts[place_of(Measure::kUnread)] +=
        row.kind == Kind::kTcp && unread_for_long(survey, *socket);
    counts[place_of(Measure::kInFlight)] += socket->in_flight;
  }
  const Detail* detail = survey.detail_of(row);
  const auto* inotify = detail == nullptr ? nullptr : std::get_if<InotifyDetail>(detail);
  if (inotify != nullptr) {
    counts[place_of(Measure::kWatches)] += static_cast<std::uint32_t>(inotify->watches.size());
  }
}

}  // namespace

std::vector<Counts> measure(const Joined& joined) {
  const Survey& survey = joined.survey;
  std::vector<Counts> all(survey.processes.size());
  for (std::uint32_t p = 0; p < all.size(); ++p) {
    const Process& process = survey.processes[p];
    Counts& counts = all[p];
    const auto rows = joined.tables.rows_of(ProcessIndex{p});
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      count_row(joined, survey.descriptors[d], counts);
    }
    auto& descriptors = counts[place_of(Measure::kDescriptors)];
    descriptors = std::max(descriptors, process.descriptors.value_or(0));
    counts[place_of(Measure::kMappings)] = process.mappings.value_or(0);
    counts[place_of(Measure::kThreads)] = process.thread_count.value_or(0);
    counts[place_of(Measure::kResidentPages)] =
        static_cast<std::uint32_t>(process.resident_bytes.value_or(0) / kResidentUnit);
    const auto parent = find_process(survey, process.parent);
    if (!parent) continue;
    const Measure child = process.state == RunState{'Z'} ? Measure::kZombies : Measure::kChildren;
    ++all[number(*parent)][place_of(child)];
  }
  return all;
}

}  // namespace plumb::detect
