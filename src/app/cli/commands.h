// SPDX-License-Identifier: Apache-2.0
// All commands of plumb, one file each.
#pragma once

#include "app/cli/command.h"

namespace plumb::app {

// Each adds its options to the parser of `plumb`.
Command add_summary(CLI::App& plumb);  // plumb without a command
Command add_ls(CLI::App& plumb);
Command add_tree(CLI::App& plumb);
Command add_trace(CLI::App& plumb);
Command add_check(CLI::App& plumb);
Command add_goroutines(CLI::App& plumb);
Command add_waits(CLI::App& plumb);
Command add_http(CLI::App& plumb);
Command add_explain(CLI::App& plumb);
Command add_record(CLI::App& plumb);
Command add_report(CLI::App& plumb);
Command add_diff(CLI::App& plumb);
Command add_demo(CLI::App& plumb);
Command add_relieve(CLI::App& plumb);
Command add_hangup(CLI::App& plumb);
Command add_mark(CLI::App& plumb);

}  // namespace plumb::app
