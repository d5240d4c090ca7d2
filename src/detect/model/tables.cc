// SPDX-License-Identifier: Apache-2.0
// A process's rows, counts and ages.
#include "detect/model/tables.h"

#include <algorithm>

namespace plumb::detect {

Tables::Tables(const Survey& survey) : survey_(survey), starts_(survey.processes.size() + 1) {
  for (const Descriptor& d : survey.descriptors) ++starts_[number(d.process) + 1];
  for (std::size_t p = 0; p < survey.processes.size(); ++p) starts_[p + 1] += starts_[p];
}

std::optional<DescriptorIndex> Tables::find(ProcessIndex process, Fd fd) const {
  const Rows rows = rows_of(process);
  const auto begin = survey_.descriptors.begin() + rows.first;
  const auto end = survey_.descriptors.begin() + rows.last;
  const auto is_it = [&](const Descriptor& d) { return d.fd == fd && d.table == Tid{}; };
  // The own table is sorted and usually the only one; a lone thread's may stand on either side.
  auto at = std::lower_bound(begin, end, fd, [](const Descriptor& d, Fd wanted) {
    return d.table == Tid{} && d.fd < wanted;
  });
  if (at == end || !is_it(*at)) {
    const bool only_own = begin == end || ((end - 1)->table == Tid{} && begin->table == Tid{});
    at = only_own ? end : std::find_if(begin, end, is_it);
  }
  if (at == end) return std::nullopt;
  return DescriptorIndex{static_cast<std::uint32_t>(at - survey_.descriptors.begin())};
}

KindCounts Tables::counts_of(ProcessIndex process) const {
  KindCounts counts{};
  const Rows rows = rows_of(process);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    ++counts[static_cast<std::size_t>(survey_.descriptors[d].kind)];
  }
  return counts;
}

std::uint32_t Tables::size_of(ProcessIndex process) const {
  const Rows rows = rows_of(process);
  return std::max(survey_.processes[number(process)].descriptors.value_or(0),
                  rows.last - rows.first);
}

std::optional<double> Tables::use_of(ProcessIndex process) const {
  const auto limit = survey_.processes[number(process)].descriptor_limit;
  if (!limit || *limit == 0) return std::nullopt;
  return static_cast<double>(size_of(process)) / static_cast<double>(*limit);
}

std::optional<ProcessIndex> find_process(const Survey& survey, Pid pid) {
  const auto pid_of = [](const Process& p) { return p.key.pid; };
  const auto at = std::ranges::lower_bound(survey.processes, pid, {}, pid_of);
  if (at == survey.processes.end() || at->key.pid != pid) return std::nullopt;
  return ProcessIndex{static_cast<std::uint32_t>(at - survey.processes.begin())};
}

std::chrono::nanoseconds age_of(const Survey& survey, const Process& process) {
  return survey.taken.time_since_epoch() - std::chrono::nanoseconds(process.key.start);
}

std::optional<std::chrono::nanoseconds> age_at_least(const Survey& survey, const Descriptor& d) {
  const Socket* socket = survey.socket_of(d);
  if (socket == nullptr || (!socket->last_sent && !socket->last_received)) return std::nullopt;
  return survey.taken - std::min(socket->last_sent.value_or(BootTime::max()),
                                 socket->last_received.value_or(BootTime::max()));
}

std::optional<std::chrono::nanoseconds> idle_of(const Survey& survey, const Descriptor& d) {
  const Socket* socket = survey.socket_of(d);
  if (socket == nullptr || (!socket->last_sent && !socket->last_received)) return std::nullopt;
  return survey.taken - std::max(socket->last_sent.value_or(BootTime::min()),
                                 socket->last_received.value_or(BootTime::min()));
}

std::uint64_t held_back(const Descriptor& d) {
  return d.unlinked && d.kind == Kind::kFile ? d.disk_bytes : 0;
}

}  // namespace plumb::detect
