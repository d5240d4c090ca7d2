// SPDX-License-Identifier: Apache-2.0
// The walk from frame to frame.
#include "detect/symbol/go_stack.h"

#include <cstring>

namespace plumb::detect {
namespace {

constexpr std::uint64_t kWord = 8;

class Copy {
 public:
  Copy(std::span<const std::byte> bytes, Address start) : bytes_(bytes), start_(start) {}

  bool below(Address address) const { return address < start_; }
  std::optional<std::uint64_t> word(Address address) const {
    const std::uint64_t at = number(address) - number(start_);
    if (below(address) || bytes_.size() < kWord || at > bytes_.size() - kWord) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at, kWord);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  Address start_;
};

}  // namespace

const GoCode::Place& GoCode::at(Address pc) {
  if (places_.size() >= kMostKept) places_.clear();
  const auto [it, added] = places_.try_emplace(number(pc));
  Place& place = it->second;
  if (!added) return place;
  const auto function = table_->find(linked(pc));
  if (!function) return place;
  const std::string_view name = table_->name(*function);
  place.known = true;
  place.bottom = name == "runtime.goexit" || name == "runtime.goexit.abi0";
  place.trap = name == "runtime.sigpanic";
  place.entry = linked(pc) == function->entry;
  place.height = table_->height(*function, linked(pc));
  return place;
}

GoWalk walk_go_stack(GoCode& code, std::span<const std::byte> stack, Address pc, Address sp,
                     Address bp) {
  const Copy copy(stack, sp);
  GoWalk walk;
  bool interrupted = false;
  while (walk.lookups.size() < kMostGoFrames) {
    const GoCode::Place place = code.at(pc);
    if (!place.known) return walk;
    // An address is behind a call, but for a function that has not begun and one that trapped.
    walk.lookups.push_back(place.entry || interrupted ? pc : pc - 1);
    if (place.bottom) {
      walk.end = GoWalk::End::kWhole;
      return walk;
    }
    Address at{};  // of the return address
    if (place.height) {
      at = sp + *place.height;
      // A function with a frame keeps its caller's rbp below the return address.
      if (*place.height >= kWord) bp = Address{copy.word(at - kWord).value_or(0)};
    } else {
      at = bp + kWord;
      bp = Address{copy.word(bp).value_or(0)};
    }
    const auto next = copy.word(at);
    if (!next) {
      walk.end = copy.below(at) || at < sp ? GoWalk::End::kLost : GoWalk::End::kMore;
      return walk;
    }
    walk.homes.push_back(at + kWord);
    interrupted = place.trap;
    pc = Address{*next};
    if (at < sp) return walk;  // stacks only go up, which ends loops
    sp = at + kWord;
  }
  walk.end = GoWalk::End::kTooDeep;
  return walk;
}

}  // namespace plumb::detect
