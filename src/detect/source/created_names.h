// SPDX-License-Identifier: Apache-2.0
// CreatedNames: which names below one directory the followed processes made, and which of them are
// still there. A name that was there before its call is nobody's; one that was renamed within the
// directory stays its maker's; one that leads to another file by now is another's.
//
// Threads: one. The process that a call is of stands still meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detect/source/process_follower.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

struct CreatedName {
  std::string path;  // as of the last rename
  bool directory = false;
  Pid process{};
  std::uint16_t call = 0;
  std::uint64_t serial = 0;  // in the order in which they were made
};

class CreatedNames {
 public:
  // `below` is canonical (realpath(3)).
  explicit CreatedNames(std::string below) : below_(std::move(below)) {}

  void before(const ChosenCall& call);
  // The serial of the name that the call made, if it did.
  std::optional<std::uint64_t> after(const ChosenCall& call);

  // Those that are there now, by path.
  std::vector<CreatedName> left() const;

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

  std::string below_;
  std::map<Tid, std::string> candidates_;  // not there when the call began
  std::map<Identity, CreatedName> names_;
  std::uint64_t serial_ = 0;
};

// The path that a call gives a name at, absolute, with the directory that it stands in canonical;
// nothing where the call makes no name or its argument cannot be read.
std::optional<std::string> named_path(const ChosenCall& call);

}  // namespace plumb::detect
