// SPDX-License-Identifier: Apache-2.0
// What a check found, ready to be written: leaks by origin, what was excused and by which rule, and
// what could not be seen. Each writer takes the same document.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/allow_list.h"
#include "detect/model/leak_rules.h"
#include "detect/record/stack_store.h"
#include "detect/record/survey.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct CheckDocument {
  const LeakVerdict& verdict;
  const StackStore& stacks;
  const AllowList& allow;
  std::string command;          // as it was given
  int status = 0;               // its own exit status, 128 + N for signal N
  std::uint64_t processes = 0;  // that were followed
  std::chrono::nanoseconds took{};
  std::string reduced;  // what is not seen, and why; empty: nothing
  std::vector<Loss> losses;
  std::string root;  // source files below it are told relative to it
  bool tell_excused = false;
};

// "3 file", "listener", "running process": what stands first.
std::string kind_in_words(const LeakGroup& group);
// One line: "3 descriptors of kind file held at its end by leaky: leak_file ← main".
std::string summary_of(const CheckDocument& document, const LeakGroup& group);
// The innermost frame of the program's own with a line; where it has none, of any. Null: none.
const Frame* blamed_frame(const CheckDocument& document, const LeakGroup& group);
// The frame's file below the document's root, or as it is.
std::string relative_file(const CheckDocument& document, const Frame& frame);

void write_check_text(const CheckDocument& document, const Paper& paper, const Sink& sink);
// "leftover" for each group, leaks first; "check" at the end.
void write_check_json(const CheckDocument& document, const Sink& sink);
// JUnit's XML as CI systems read it: one suite, a failed case for each leak, or one that passes.
void write_check_junit(const CheckDocument& document, const Sink& sink);
// Workflow commands of GitHub: an ::error for each leak, with file and line where they are known.
void write_check_github(const CheckDocument& document, const Sink& sink);

}  // namespace plumb::detect
