// SPDX-License-Identifier: Apache-2.0
// The options of a trace that choose what it follows besides descriptors.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "app/cli/trace_run.h"

namespace plumb::app {

struct KindArguments {
  std::vector<std::string> pairs;
  std::vector<std::string> pair_files;
  bool heap = false;
  std::string heap_mean = "512KiB";
};

// The options, filled while parsing; `arguments` must live as long as the parser runs.
void add_kind_arguments(CLI::App& command, KindArguments& arguments);

// Into the plan, whose kinds and processes are chosen already. False where something is wrong:
// said.
bool choose_kinds(const KindArguments& arguments, TracePlan& plan);

}  // namespace plumb::app
