// SPDX-License-Identifier: Apache-2.0
// Groups: a survey's descriptors put together by something that they have in common (a socket, a
// pipe, an open file), all groups side by side in one array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/record/descriptor.h"

namespace plumb::detect {

// Threads: immutable once made. Two passes over the rows; 4 bytes a member and 4 a group.
class Groups {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  Groups() = default;
  // group_of[d] is the group of descriptor d, below `groups`, or kNone.
  Groups(std::span<const std::uint32_t> group_of, std::size_t groups) : starts_(groups + 1) {
    for (const std::uint32_t group : group_of) {
      if (group != kNone) ++starts_[group + 1];
    }
    for (std::size_t group = 0; group < groups; ++group) starts_[group + 1] += starts_[group];
    members_.resize(starts_[groups]);
    std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (std::uint32_t d = 0; d < group_of.size(); ++d) {
      if (group_of[d] != kNone) members_[next[group_of[d]]++] = DescriptorIndex{d};
    }
  }

  std::size_t size() const { return starts_.empty() ? 0 : starts_.size() - 1; }
  // The members in the order of the survey.
  std::span<const DescriptorIndex> operator[](std::size_t group) const {
    return between(group, group + 1);
  }
  // The members of neighbouring groups are neighbours: all of [first, last).
  std::span<const DescriptorIndex> between(std::size_t first, std::size_t last) const {
    return std::span(members_).subspan(starts_[first], starts_[last] - starts_[first]);
  }

 private:
  std::vector<std::uint32_t> starts_;
  std::vector<DescriptorIndex> members_;
};

}  // namespace plumb::detect
