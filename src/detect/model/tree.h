// SPDX-License-Identifier: Apache-2.0
// The tree of processes, with equal children folded into one node.
//
// Two children of one process are equal when their commands are (but for the digits in them), their
// users are, and what is below them is equal in the same sense. All kernel threads are equal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/model/selector.h"
#include "detect/record/survey.h"

namespace plumb::detect {

struct TreeNode {
  std::uint32_t depth = 0;            // 0: a root
  bool last = false;                  // the last child of its parent
  bool kernel = false;                // kernel threads
  std::vector<ProcessIndex> members;  // ascending pid; more than one: folded
  // The members' command on one line, raw bytes; '#' for digits in which they differ.
  std::string command;
};

// In the order of printing: each node is followed by what is below it. A selection's processes are
// roots, unless they stand below another one; what is below them belongs to it.
std::vector<TreeNode> grow_tree(const Survey& survey, const Selection& selection);

}  // namespace plumb::detect
