// SPDX-License-Identifier: Apache-2.0
// What a survey from BPF still takes from /proc: command lines, cgroup paths, and the fdinfo of the
// kinds that keep more there than a struct file shows.
#pragma once

#include <vector>

#include "detect/record/survey.h"
#include "detect/source/process_rows.h"

namespace plumb::detect {

// Fills Process::command_line of every process that has memory. One that is gone keeps none.
void read_command_lines(Survey& survey, const std::vector<ProcessRows::Extra>& extras);

// Fills Process::cgroup. A path is read once for each cgroup, from its first process that still
// lives, not once for each process.
void read_cgroups(Survey& survey, const std::vector<ProcessRows::Extra>& extras);

// Fills Descriptor::detail of the rare kinds. An fdinfo whose inode is not the descriptor's belongs
// to a later file under the same number and is not used.
void read_details(Survey& survey);

}  // namespace plumb::detect
