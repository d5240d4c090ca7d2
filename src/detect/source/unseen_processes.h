// SPDX-License-Identifier: Apache-2.0
// Processes that stand in /proc and that no iterator shows: a kernel can keep some to itself, as
// that of a virtual machine does with the monitor's own process. They are rows with their errno.
#pragma once

#include "detect/record/survey.h"

namespace plumb::detect {

// Adds a row for each process that is a second older than `survey`, stands in /proc and is not in
// `survey`: with its name, its numbers, how many descriptors it has where they may be counted, and
// the errno of reading them. Young ones are left out: they were born after the iterators' pass. So
// is everything where /proc is that of another pid namespace. Processes stay in ascending order.
void add_unseen_processes(Survey& survey, const SurveyRequest& request);

}  // namespace plumb::detect
