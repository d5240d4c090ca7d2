// SPDX-License-Identifier: Apache-2.0
// From lists of code addresses to stacks of frames.
#include "detect/symbol/go_stack_names.h"

#include <algorithm>
#include <array>

#include "detect/symbol/go_frames.h"

namespace plumb::detect {
namespace {

// A wrapper that these were called from is shown: it is where a panic came from.
bool shows_wrappers(std::string_view callee) {
  return callee == "runtime.gopanic" || callee == "runtime.sigpanic" ||
         callee == "runtime.panicwrap";
}

}  // namespace

StackNode GoStackNames::name(std::span<const Address> lookups) {
  std::vector<Address> key(lookups.begin(), lookups.end());
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  std::vector<FrameId> frames;
  std::string callee;
  for (const Address lookup : lookups) {
    for (NamedGoFrame& named : go_frames(*module_, code_->linked(lookup))) {
      const bool left_out = named.wrapper && !shows_wrappers(callee);
      callee = named.frame.function;
      if (!left_out) frames.push_back(stacks_->intern(named.frame));
    }
  }
  const StackNode stack = stacks_->add(frames);
  known_.emplace(std::move(key), stack);
  return stack;
}

std::string_view GoStackNames::function_at(Address address) const {
  const auto function = code_->table().find(code_->linked(address));
  return function ? code_->table().name(*function) : std::string_view{};
}

bool GoStackNames::leaves_runtime(std::span<const Address> lookups) const {
  return std::ranges::any_of(
      lookups, [this](Address at) { return !function_at(at).starts_with("runtime."); });
}

bool GoStackNames::of_the_runtime(Address start, std::span<const Address> lookups) const {
  constexpr std::array<std::string_view, 3> kUsers = {"runtime.main", "runtime.handleAsyncEvent",
                                                      "runtime.corostart"};
  // They count as the program's while they call its finalizers and cleanups.
  constexpr std::array<std::string_view, 3> kBoth = {"runtime.runfinq", "runtime.runFinalizers",
                                                     "runtime.runCleanups"};
  const std::string_view began = function_at(start);
  if (!began.starts_with("runtime.") || std::ranges::count(kUsers, began) > 0) return false;
  return std::ranges::count(kBoth, began) == 0 || !leaves_runtime(lookups);
}

}  // namespace plumb::detect
