// SPDX-License-Identifier: Apache-2.0
// Recording: the facts of one file, read back. What a damaged file lacks is part of it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/fact_set.h"
#include "detect/record/stack_store.h"
#include "detect/record/trace_record.h"
#include "plumb/base/result.h"

namespace plumb::detect {

struct Recording {
  std::map<std::string, std::string> about;  // what made it, where and when
  std::optional<TraceRecording> trace;
  StackStore stacks;

  // All sites' counts at some times of the trace, in the order of time.
  struct Sample {
    BootTime time{};
    std::vector<SiteCount> counts;  // by site; those that came later are missing
  };
  std::vector<Sample> samples;

  // What findings are concluded from; empty where it was not kept.
  FactSet facts;

  // What could not be read, a sentence each; empty for a sound file.
  std::vector<std::string> missing;
};

// Reads a recording that may come from anybody: bounded in time and memory by the file's size, and
// nothing in it is taken for granted. Threads: any.
//
// Errors: of open(2); EINVAL for what is no recording; ENOTSUP for one of a newer format, with both
// numbers.
Result<Recording> read_recording(const std::string& path);
Result<Recording> read_recording(std::vector<std::byte> bytes);

}  // namespace plumb::detect
