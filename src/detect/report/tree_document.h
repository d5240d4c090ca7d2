// SPDX-License-Identifier: Apache-2.0
// The document of `plumb tree`: who started whom, equal children folded, what each holds, how full
// its table is, and what a folded group waits for.
#pragma once

#include <string>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/tree.h"
#include "detect/model/waiting.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

void write_tree(const Joined& joined, const std::vector<TreeNode>& nodes, const Paper& paper,
                const Sink& sink);

// A "node" record a node, parents first, and a "survey" record.
void write_tree_json(const Joined& joined, const std::vector<TreeNode>& nodes, const Sink& sink);

// "poll · tcp → tinyproxy(640)", "read · pipe → nobody", "runs". Clean text.
std::string waiting_text(const Survey& survey, const Waiting& waiting);

}  // namespace plumb::detect
