// SPDX-License-Identifier: Apache-2.0
// TracePairs: from pairs as a user names them to probes in the files that the traced processes have
// mapped, and in those that they map later. Each file is looked into once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "detect/record/kind.h"
#include "detect/record/pair.h"
#include "detect/source/trace_source.h"
#include "detect/symbol/function_places.h"
#include "detect/symbol/image.h"
#include "plumb/base/ids.h"

namespace plumb::app {

// Where the shell would find a program.
std::string program_path(const std::string& program);
// Whether a program has the probes plumb:acquire and plumb:release.
bool has_own_probes(const std::string& path);

class TracePairs {
 public:
  // The source must outlive it. `own` says whether to look for plumb's own probes in programs.
  TracePairs(detect::TraceSource& source, std::vector<detect::Pair> pairs, bool own)
      : source_(source), pairs_(std::move(pairs)), own_(own) {}

  // Before any process: the libraries where the system keeps them and the program that will run, so
  // that its first calls are seen.
  void prepare(const std::string& program);
  // The files that a process has mapped now.
  void look_at(Pid process);

  // Pairs of which no function was found anywhere, and what the kernel refused; for people.
  std::vector<std::string> blinds() const;
  // The kinds' names: those of the pairs, and those that programs told of.
  std::map<detect::Kind, std::string> names() const;

 private:
  bool wanted(std::string_view file_name, const std::string& path) const;
  void look_into(const std::string& path, const std::string& name, bool program);
  void place(const detect::FunctionPlaces& places, unsigned pair, const std::string& path);

  detect::TraceSource& source_;
  std::vector<detect::Pair> pairs_;
  bool own_;
  std::set<detect::FileKey> seen_;
  std::set<unsigned> found_;  // pairs of which both sides were found somewhere
  std::set<std::string> refused_;
};

}  // namespace plumb::app
