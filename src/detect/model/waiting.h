// SPDX-License-Identifier: Apache-2.0
// Waiting: what a group of processes waits for, and whom, most frequent first.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/model/joined.h"

namespace plumb::detect {

// How the descriptor was found on which a process waits.
enum class WaitEvidence : std::uint8_t {
  kNone,      // there is none: a sleep, a wait for a child
  kArgument,  // it is the blocking call's argument
  kWatch,     // the epoll in the argument watches it
  kList,      // it stands in the list that the argument points to
  kHolding,   // the call's list could not be read; it is of the kind that it holds (TCP first)
};

struct Waiting {
  std::string_view call;  // empty: runs, or may not be read
  WaitEvidence evidence = WaitEvidence::kNone;
  Kind kind = Kind::kUnknown;        // of the descriptor; meaningful with evidence only
  EndState state = EndState::kNone;  // of its other end
  std::optional<ProcessIndex> whom;  // who holds the other end
  std::uint32_t count = 0;           // how many of the group
};

// By the leading thread of each member. A member that waits for several parties is counted once
// for each, at most eight.
std::vector<Waiting> waiting_of(const Joined& joined, std::span<const ProcessIndex> members);

// "argument", "watch", "list", "holding", "none": the word for it in JSON.
std::string_view name_of(WaitEvidence evidence);

// The leading thread's blocking call, if it is known.
const BlockingCall* leader_call(const Survey& survey, const Process& process);

}  // namespace plumb::detect
