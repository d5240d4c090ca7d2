// SPDX-License-Identifier: Apache-2.0
// Selectors: how a user names what a command is about. A pid, a command name, `:port`, a path of a
// file or unix socket, `unit:NAME`, `cgroup:PATH`.
//
// A pid, a name, a unit and a cgroup choose processes with all that they hold; a port and a path
// choose descriptors. A name is equal to the kernel's name of the process (comm, at most 15 bytes)
// or to the last part of its first argument ("python3" for /usr/bin/python3). A unit may be written
// without ".service"; a cgroup and a path choose what is below them too; "@name" is an abstract
// unix socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/record/survey.h"
#include "plumb/base/result.h"

namespace plumb::detect {

struct Selector {
  enum class Sort : std::uint8_t { kPid, kName, kPort, kPath, kUnit, kCgroup };
  Sort sort = Sort::kName;
  std::string text;          // as the user wrote it
  std::string value;         // without its prefix
  std::uint32_t number = 0;  // the pid or the port
};

// Errors: an empty word, `:port` that is no port, a number that is no pid, each with what may be
// written.
Result<Selector> parse_selector(std::string_view text);

// What the selectors choose, row by row of a survey.
struct Selection {
  bool everything = false;          // no selectors were given
  std::vector<bool> processes;      // chosen with all that they hold
  std::vector<bool> descriptors;    // chosen, by themselves or with their process
  std::vector<Selector> unmatched;  // chose nothing

  bool has(ProcessIndex process) const { return everything || processes[number(process)]; }
  bool has_row(std::size_t row) const { return everything || descriptors[row]; }
};

Selection select(const Survey& survey, const std::vector<Selector>& selectors);

// The processes that are chosen, or hold a chosen descriptor, by ascending pid.
std::vector<ProcessIndex> chosen_processes(const Survey& survey, const Selection& selection);

// At most `limit` names in the survey that the user may have meant, nearest first (by edit
// distance, and by one containing the other).
std::vector<std::string> nearest(const Survey& survey, const Selector& selector,
                                 std::size_t limit = 3);

}  // namespace plumb::detect
