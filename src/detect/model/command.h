// SPDX-License-Identifier: Apache-2.0
// How a process's command is read and shown.
#pragma once

#include <string>
#include <string_view>

#include "detect/record/survey.h"

namespace plumb::detect {

// The last part of the first argument's path: "python3" of "/usr/bin/python3 -m http.server". A
// login shell's "-bash" is "bash". Empty where there is no command line.
std::string_view program_of(const Survey& survey, const Process& process);

// One line: the program and its arguments with blanks between them, or "[name]" for a process
// without a command line, as ps does ("[name] zombie" for one that ended). Raw bytes: escape before
// printing.
std::string command_of(const Survey& survey, const Process& process);

// The same with each run of digits replaced by '#': what is left when only numbers differ.
std::string command_pattern(std::string_view command);

}  // namespace plumb::detect
