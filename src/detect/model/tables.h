// SPDX-License-Identifier: Apache-2.0
// Tables: each process's rows of the survey, how many of each kind it holds, and how full its table
// of descriptors is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "detect/model/groups.h"
#include "detect/record/survey.h"

namespace plumb::detect {

constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kMountContext) + 1;

// Descriptors by kind; rows that stand for something unreadable are counted as such.
using KindCounts = std::array<std::uint32_t, kKinds>;

// Threads: immutable once made. Holds a reference to the survey.
class Tables {
 public:
  explicit Tables(const Survey& survey);

  // The rows [first, last) of a process in Survey::descriptors.
  struct Rows {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  Rows rows_of(ProcessIndex process) const {
    return {starts_[number(process)], starts_[number(process) + 1]};
  }
  // The descriptor with this number in the process's own table, not a lone thread's.
  std::optional<DescriptorIndex> find(ProcessIndex process, Fd fd) const;

  KindCounts counts_of(ProcessIndex process) const;
  // How many descriptors it holds: what it said, or what was listed where it did not say.
  std::uint32_t size_of(ProcessIndex process) const;
  // size_of / soft limit; nothing where either is unknown.
  std::optional<double> use_of(ProcessIndex process) const;

 private:
  const Survey& survey_;
  std::vector<std::uint32_t> starts_;
};

// The process with this number, or nothing.
std::optional<ProcessIndex> find_process(const Survey& survey, Pid pid);

// How long ago this process started.
std::chrono::nanoseconds age_of(const Survey& survey, const Process& process);

// How old a connection is at least (since the first that is remembered of its data), and how long
// it has been quiet. A survey knows it of TCP alone; nothing elsewhere.
std::optional<std::chrono::nanoseconds> age_at_least(const Survey& survey, const Descriptor& d);
std::optional<std::chrono::nanoseconds> idle_of(const Survey& survey, const Descriptor& d);

// Bytes on disk that only this descriptor's open file holds back: of a file without a name.
std::uint64_t held_back(const Descriptor& d);

}  // namespace plumb::detect
