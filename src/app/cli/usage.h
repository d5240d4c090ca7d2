// SPDX-License-Identifier: Apache-2.0
// The command line as a whole: common options, help, and errors that help.
#pragma once

#include <optional>

#include "app/cli/command.h"

namespace plumb::app {

// Adds what all commands share (--color, --version) and the look of the help.
void describe(CLI::App& parser, Context& context);

// Parses. Nothing when a command is to be run; a status when help or the version was printed, or
// the command line is wrong (said on stderr, with the nearest name).
std::optional<Exit> parse(CLI::App& parser, int argc, char** argv, Output& out);

}  // namespace plumb::app
