// SPDX-License-Identifier: Apache-2.0
// Sharing: which descriptors stand for the same open file, because it was dup'ed, inherited over
// fork, or passed over a socket; and a small number for each open file, which can be shown where
// the kernel's address may not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "detect/model/groups.h"
#include "detect/record/survey.h"

namespace plumb::detect {

// Threads: immutable once made. Cost: linear, about 25 ns and 16 bytes a descriptor.
class Sharing {
 public:
  Sharing() = default;  // of an empty survey
  explicit Sharing(const Survey& survey);

  // All descriptors of the same open file, this one among them, in the order of the survey. Only
  // itself, or nothing, where the survey does not know its open file.
  std::span<const DescriptorIndex> holders_of(DescriptorIndex descriptor) const;

  // The open file's number: 1, 2, … in the order of the survey; it means nothing in another one.
  std::optional<std::uint32_t> file_number(DescriptorIndex descriptor) const;

  // How many open files the survey saw.
  std::size_t files() const { return by_file_.size(); }

 private:
  std::vector<std::uint32_t> file_of_;  // Groups::kNone where unknown
  Groups by_file_;
};

}  // namespace plumb::detect
