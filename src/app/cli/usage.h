// SPDX-License-Identifier: Apache-2.0
// The command line as a whole: common options, help, and errors that help.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/cli/command.h"

namespace plumb::app {

// "0.1.0".
std::string_view version();

// Adds what all commands share (--color, --version) and the look of the help.
void describe(CLI::App& parser, Context& context);

// For the end of a command's help: "KIND is one of" and the names, in lines of at most 90
// characters. `type` is the type name of the options that take them; shell completion reads it from
// there.
std::string one_of(std::string_view type, std::span<const std::string_view> names);

// Parses. Nothing when a command is to be run; a status when help or the version was printed, or
// the command line is wrong (said on stderr, with the nearest name).
std::optional<Exit> parse(CLI::App& parser, int argc, char** argv, Output& out);

}  // namespace plumb::app
