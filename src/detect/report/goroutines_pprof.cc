// SPDX-License-Identifier: Apache-2.0
// Goroutines as a pprof profile.
#include <array>
#include <map>
#include <tuple>

#include "detect/report/goroutines_document.h"
#include "detect/report/pprof_profile.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

struct Sum {
  std::uint64_t count = 0;
  std::chrono::nanoseconds waited{};
};

void add_group(PprofProfile& profile, const GoroutineSnapshot& snapshot,
               const GoroutineGroup& group) {
  auto frames = snapshot.stacks.frames(group.stack);
  if (frames.size() > 1 &&
      snapshot.stacks.frame(frames.back()).function.starts_with("runtime.goexit")) {
    frames.pop_back();
  }
  // Members of a group that do or came from something else are samples of their own, since a label
  // belongs to a sample.
  std::map<std::tuple<std::string_view, StackNode>, Sum> sums;
  for (const std::uint32_t index : group.members) {
    const Goroutine& one = snapshot.goroutines[index];
    Sum& sum = sums[{doing(snapshot, one.state, one.reason), one.creator}];
    ++sum.count;
    sum.waited += one.waited.value_or(std::chrono::nanoseconds{});
  }
  for (const auto& [key, sum] : sums) {
    const auto& [state, creator] = key;
    PprofProfile::Labels labels{{"state", state}};
    const auto started = snapshot.stacks.frames(creator);
    std::string function;
    if (!started.empty()) {
      function = function_of(snapshot.stacks.frame(started.front()));
      labels.emplace_back("creator", function);
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(sum.waited).count();
    const std::array values{sum.count, static_cast<std::uint64_t>(seconds)};
    if (frames.empty()) {
      profile.add_sample("[unknown]", values, labels);
    } else {
      profile.add_sample(frames, values, labels);
    }
  }
}

}  // namespace

void write_goroutines_pprof(const GoroutinesDocument& document, const Sink& sink) {
  PprofProfile profile(document.snapshot.stacks);
  profile.add_type("goroutine", "count");
  profile.add_type("waited", "seconds");
  for (const GoroutineGroup& group : document.groups) {
    add_group(profile, document.snapshot, group);
  }
  sink(profile.packed());
}

}  // namespace plumb::detect
