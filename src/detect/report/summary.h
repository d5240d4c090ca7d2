// SPDX-License-Identifier: Apache-2.0
// The document of `plumb` alone: what looks wrong on this machine, who holds most, who is near a
// limit. One screen of 80 columns.
#pragma once

#include <string>
#include <vector>

#include "detect/finding/glance.h"
#include "detect/model/joined.h"
#include "detect/model/tree.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct Summary {
  const Joined& joined;
  const std::vector<TreeNode>& tree;  // the whole machine's
  const std::vector<Glance>& found;
};

void write_summary(const Summary& summary, const Paper& paper, const Sink& sink);

// A "finding" record each, a "process" record for every process, a "survey" record.
void write_summary_json(const Summary& summary, const Sink& sink);

// The finding in one sentence: "nvim(812) holds 1,019 of its 1,024 descriptors: 997 unix, 12 file".
std::string sentence_of(const Summary& summary, const Glance& found);

// What the survey lost or could not see, a line each, for the foot of a document or stderr. Empty
// where nothing is missing.
std::string missing_text(const Survey& survey);

}  // namespace plumb::detect
