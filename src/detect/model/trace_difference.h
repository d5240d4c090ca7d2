// SPDX-License-Identifier: Apache-2.0
// What grew between two times, by origin: of one recording, or of two, whose programs may have been
// built anew in between. Origins are the same when their stacks read the same. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/record/stack_store.h"
#include "detect/record/trace_record.h"
#include "plumb/base/clock.h"

namespace plumb::detect {

// One origin at one time of a trace.
struct CountedOrigin {
  StackNode stack = StackStore::kEmpty;
  OriginId special = OriginId::kFirst;
  Kind kind = Kind::kUnknown;
  std::string kind_name;  // as it was recorded: raw
  std::uint16_t call = 0;
  bool cut = false;
  std::uint64_t live = 0;  // with what ended processes left
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
};

struct TraceMoment {
  const StackStore& stacks;          // must outlive it
  std::chrono::nanoseconds after{};  // since the trace began
  std::vector<CountedOrigin> origins;
};

// How a trace ended.
TraceMoment end_of(const TraceRecording& trace, const StackStore& stacks);
// As it was when `counts` were taken.
TraceMoment moment_of(const TraceRecording& trace, const StackStore& stacks, BootTime time,
                      const std::vector<SiteCount>& counts);

struct OriginDifference {
  CountedOrigin origin;  // of the later moment; of the earlier where it is in that alone
  const StackStore* stacks = nullptr;  // of its stack
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  // Between two moments of one trace; else in the later trace.
  std::uint64_t created = 0;
  std::uint64_t closed = 0;

  std::int64_t grew() const { return static_cast<std::int64_t>(after - before); }
};

enum class SameTrace : bool { kNo, kYes };

// What differs, the greatest growth first.
std::vector<OriginDifference> differences(const TraceMoment& before, const TraceMoment& after,
                                          SameTrace same);

}  // namespace plumb::detect
