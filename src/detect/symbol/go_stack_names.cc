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
  key_.assign(lookups.begin(), lookups.end());
  if (const auto known = known_.find(key_); known != known_.end()) return known->second;
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
  known_.emplace(key_, stack);
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

std::size_t GoStackNames::Hash::operator()(const std::vector<Address>& addresses) const noexcept {
  std::uint64_t hash = addresses.size();
  for (const Address address : addresses) {
    hash = (hash ^ number(address)) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29U;
  }
  return hash;
}

GoStackNames::Beginning GoStackNames::beginning_at(Address start) {
  constexpr std::array<std::string_view, 3> kUsers = {"runtime.main", "runtime.handleAsyncEvent",
                                                      "runtime.corostart"};
  // They count as the program's while they call its finalizers and cleanups.
  constexpr std::array<std::string_view, 3> kBoth = {"runtime.runfinq", "runtime.runFinalizers",
                                                     "runtime.runCleanups"};
  const auto [it, added] = beginnings_.try_emplace(number(start), Beginning::kProgram);
  if (!added) return it->second;
  const std::string_view began = function_at(start);
  if (!began.starts_with("runtime.") || std::ranges::count(kUsers, began) > 0) return it->second;
  it->second = std::ranges::count(kBoth, began) > 0 ? Beginning::kBoth : Beginning::kRuntime;
  return it->second;
}

bool GoStackNames::of_the_runtime(Address start, std::span<const Address> lookups) {
  const Beginning beginning = beginning_at(start);
  return beginning == Beginning::kRuntime ||
         (beginning == Beginning::kBoth && !leaves_runtime(lookups));
}

}  // namespace plumb::detect
