// SPDX-License-Identifier: Apache-2.0
// Reading the goroutines of net/http's server.
#include "detect/finding/go_serving.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "detect/finding/wording.h"
#include "detect/record/goroutine.h"

namespace plumb::detect {
namespace {

bool calls(const std::vector<Frame>& stack, std::string_view function) {
  return std::ranges::any_of(
      stack, [&](const Frame& frame) { return frame.function.starts_with(function); });
}

}  // namespace

bool accepted_by_go_http(const std::vector<Frame>& stack) {
  return calls(stack, "net/http.(*Server).Serve");
}

std::optional<GoServing> go_serving(const Facts& facts, Pid process) {
  const auto watched = std::ranges::find(facts.goroutines, process, &GoroutineFacts::process);
  if (watched == facts.goroutines.end() || watched->series.last() == nullptr) return std::nullopt;
  const GoroutineSnapshot& snapshot = *watched->series.last();
  std::map<StackNode, std::uint64_t> places;
  for (const Goroutine& one : snapshot.goroutines) ++places[one.stack];
  GoServing told;
  for (const auto& [place, count] : places) {
    auto stack = frames_of(snapshot.stacks, place);
    if (!calls(stack, "net/http.(*conn).serve")) continue;
    told.serving += count;
    if (guilty_frame(stack) == nullptr) {
      told.waiting += count;
    } else if (count > told.within) {
      told.within = count;
      told.stack = std::move(stack);
    }
  }
  return told;
}

}  // namespace plumb::detect
