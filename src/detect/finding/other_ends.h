// SPDX-License-Identifier: Apache-2.0
// Who has the other ends of what a process holds: the next step of most chains.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detect/finding/facts.h"

namespace plumb::detect {

struct OtherEnds {
  // Holders with equal commands under one parent are one party.
  struct Party {
    std::vector<ProcessIndex> holders;
    std::uint64_t descriptors = 0;  // of the process, whose other end it has
    bool children = false;          // of the process itself
  };
  std::vector<Party> parties;  // most descriptors first
  std::uint64_t total = 0;     // descriptors that have another end
  std::uint64_t nobody = 0;
  std::uint64_t outside = 0;
  std::uint64_t queued = 0;  // it waits in a listener's queue
  std::uint64_t itself = 0;  // both ends are its own
};

// Of the process's descriptors of a kind; of every kind where none is given.
OtherEnds other_ends_of(const Facts& facts, ProcessIndex process, std::optional<Kind> kind);

// "990 by its children curl, 3 outside"; empty where there are none.
std::string other_ends_text(const Facts& facts, const OtherEnds& ends);

}  // namespace plumb::detect
