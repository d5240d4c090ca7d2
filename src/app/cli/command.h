// SPDX-License-Identifier: Apache-2.0
// What a command is. To add one: a file with a function of this shape, and its name in main's list.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include "app/cli/output.h"
#include "detect/report/terminal.h"

namespace plumb::app {

// What `plumb` ends with.
enum class Exit : int {
  kOk = 0,           // nothing wrong; for lists: printed
  kFindings = 1,     // something is wrong
  kUsage = 2,        // the command line is; or a selector matches nothing
  kNotPossible = 3,  // not permitted or not supported here, said with what to do
};

// What commands share: where they print and how it should look.
struct Context {
  Output& out;
  std::string colour = "auto";      // --color
  std::vector<std::string> rest{};  // what stands after --, for a command that runs another
  // Paper for stdout, or for another descriptor: colours and width as the option, NO_COLOR and the
  // terminal have it.
  detect::Paper paper() const;
  detect::Paper paper(int fd) const;
};

// A command's place in the parser and what to run when it is given there. The options that parsing
// fills live as long as `run`.
struct Command {
  CLI::App* parser = nullptr;
  std::function<Exit(Context&)> run;
  bool runs_another = false;  // what stands after -- is a command and not ours to parse
};

// Says an error on stderr: "plumb: " and the message.
void complain(const std::string& message);

}  // namespace plumb::app
