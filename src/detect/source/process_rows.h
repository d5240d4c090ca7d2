// SPDX-License-Identifier: Apache-2.0
// ProcessRows: the thread rows of the survey's first iterator, gathered into processes and threads.
// Pure: rows in, records out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/bpf/survey_abi.h"

namespace plumb::detect {

class ProcessRows {
 public:
  explicit ProcessRows(std::size_t page_bytes) : page_bytes_(page_bytes) {}

  // Rows come in any order; a thread whose leader never comes is left out.
  void add(const survey_thread& row, TextPool& texts);
  // Moves what was gathered into the survey: processes by number, threads grouped in that order
  // with the leader first. Call once, after the last add().
  void settle(Survey& survey);

  // After settle(): the process of that number, if it is still the one that began at `start`.
  std::optional<ProcessIndex> find(const Survey& survey, std::int32_t pid,
                                   std::uint64_t start) const;
  // What settle() put beside each process.
  struct Extra {
    std::uint64_t start = 0;   // ns since boot
    std::uint64_t cgroup = 0;  // id in the unified hierarchy; 0: unknown
    bool has_files = false;    // its leader has a descriptor table
    bool has_memory = false;   // has a command line
  };
  const std::vector<Extra>& extras() const { return extras_; }

 private:
  struct Leader {
    Process process;
    Extra extra;
  };
  struct Member {
    std::int32_t pid = 0;
    Thread thread;
  };
  std::size_t page_bytes_;
  std::vector<Leader> leaders_;
  std::vector<Member> members_;
  std::vector<Extra> extras_;
};

// The letter that /proc/PID/stat shows for task_struct::__state and exit_state
// (fs/proc/array.c, get_task_state).
RunState run_state(std::uint32_t state, std::uint32_t exit_state);

}  // namespace plumb::detect
