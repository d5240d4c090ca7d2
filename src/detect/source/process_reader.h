// SPDX-License-Identifier: Apache-2.0
// Reads what /proc says about processes and their threads into rows of a survey.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/proc_reader.h"

namespace plumb::detect {

// Threads: one. Must not outlive the survey.
class ProcessReader {
 public:
  ProcessReader(Survey& survey, const SurveyRequest& request)
      : survey_(survey), request_(request) {}

  // Adds the process whose directory /proc/PID is; nothing where it is gone already.
  std::optional<ProcessIndex> read(const UniqueFd& directory, Pid pid);

  // Takes the last process and its threads out again: it died before it was read to the end.
  void forget_last();

  // Threads whose system call could not be read, for the survey's blinds.
  std::uint64_t hidden_calls() const { return hidden_calls_; }

 private:
  void read_status(const UniqueFd& directory, Process& process);
  void read_limits(const UniqueFd& directory, Process& process);
  void read_namespaces(const UniqueFd& directory, Process& process);
  void read_threads(const UniqueFd& directory);
  std::optional<BlockingCall> read_call(const UniqueFd& directory, const char* path);

  Survey& survey_;
  const SurveyRequest& request_;
  ProcReader reader_;
  std::vector<std::int32_t> numbers_;
  std::uint64_t hidden_calls_ = 0;
};

}  // namespace plumb::detect
