// SPDX-License-Identifier: Apache-2.0
// Which leftovers are leaks: the rules of `plumb check`, as docs/check.md tells them to users. What
// a process had from its start is no leftover at all. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/allow_list.h"
#include "detect/record/leftover.h"
#include "detect/record/stack_store.h"

namespace plumb::detect {

// Why a leftover is none.
enum class Excuse : std::uint8_t {
  kAllowed,     // a pattern allows it
  kStandard,    // descriptors 0, 1 and 2
  kKilled,      // its process was ended by a signal, and had no chance to give it back
  kEventLoop,   // an event loop's own: an epoll or io_uring, and what wakes it; one an origin
  kDevice,      // /dev/null, /dev/urandom, /dev/tty and the like; one an origin
  kLogger,      // a file opened for appending, or syslog's socket; one an origin
  kScript,      // the script that a shell runs
  kReferenced,  // memory that its process could still have given back: it had a pointer to it
};
inline constexpr std::size_t kExcuses = 8;
std::string_view name_of(Excuse excuse);

// Whether a mapping was made by the dynamic loader: a program or a library, which nobody gives
// back.
bool made_by_loader(StackNode stack, const StackStore& stacks);

// Leaks of one origin: one stack of one program that made one kind of thing.
struct LeakGroup {
  static constexpr std::size_t kMostSamples = 4;

  std::vector<Leftover> samples;  // the first ones; never empty
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;      // of resources
  std::uint64_t processes = 0;  // that left some
  std::optional<Excuse> excuse;
  std::optional<std::size_t> pattern;  // that allows it

  const Leftover& first() const { return samples.front(); }
};

struct LeakVerdict {
  std::vector<LeakGroup> leaks;        // most first
  std::vector<LeakGroup> excused;      // the same
  std::vector<std::uint64_t> allowed;  // how many each pattern of the list allowed

  std::uint64_t leaked() const;
};

// Judges all that one command left. Names below a directory that was left too count as within it.
LeakVerdict judge_leftovers(std::span<const Leftover> left, const AllowList& allow,
                            const StackStore& stacks);

}  // namespace plumb::detect
