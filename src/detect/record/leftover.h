// SPDX-License-Identifier: Apache-2.0
// Leftover: one thing that was still there when the process that must give it back had ended, or
// when the whole command had. A fact; whether it is a leak is for the rules to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detect/record/kind.h"
#include "detect/record/stack_store.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

struct Leftover {
  enum class What : std::uint8_t {
    kDescriptor,  // held at its process's end
    kRunning,     // a process that still runs when the command has ended
    kUnwaited,    // a child that ended, and whose parent ended without waiting for it
    kFile,        // a name in the directory for temporary files
    kThread,      // a thread that still ran when another one ended its process
    kResource,    // of a kind of resource_kind.h: memory, a handle of a library
  };
  What what = What::kDescriptor;
  Kind kind = Kind::kUnknown;  // of a descriptor or a resource
  std::string kind_name;       // where a user or a program named the kind
  Pid pid{};                   // whose it is; of a process its own number
  std::string process;         // that process's name
  std::string command;         // and its command line, cut after some words
  std::optional<int> status;   // how it ended, as of wait(2)

  std::optional<Fd> fd;
  std::uint32_t flags = 0;  // O_*
  bool listener = false;
  std::string name;          // path or addresses, clean text
  std::string other_end;     // who has it, clean text
  std::uint64_t within = 0;  // of a directory, a process or memory: how much more is below it

  // Of a resource.
  std::uint64_t bytes = 0;
  std::uint64_t weight = 1;  // how many it stands for
  bool estimated = false;    // because only some are looked at
  bool referenced = false;   // memory to which its process still had a pointer

  std::uint16_t call = 0;         // number of the system call that made it
  std::uint64_t acquisition = 0;  // equal for what one call made: the two ends of a pipe
  StackNode stack = StackStore::kEmpty;
  std::string no_stack;  // why it has none
  bool cut = false;      // the stack goes deeper than was followed
};

}  // namespace plumb::detect
