// SPDX-License-Identifier: Apache-2.0
// Survey: one look at the whole machine, as plain values. A source makes it, the model reads it,
// nobody changes it afterwards. What was lost or could not be seen is part of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/record/descriptor.h"
#include "detect/record/detail.h"
#include "detect/record/process.h"
#include "detect/record/socket.h"
#include "detect/record/text_pool.h"
#include "detect/record/thread_wait.h"
#include "plumb/base/clock.h"

namespace plumb::detect {

// Something that was there and did not get into the survey: "a map was full".
struct Loss {
  std::string what;  // "descriptors", "socket names"
  std::uint64_t count = 0;
  std::string why;
};

// A whole class of facts that this source cannot see here, and how to see it.
struct Blind {
  std::string what;    // "descriptors of other users' processes"
  std::string remedy;  // "run plumb as root"
};

struct Survey {
  enum class Source : std::uint8_t { kBpf, kProc };

  Source source = Source::kProc;
  BootTime taken{};  // when it began
  std::chrono::nanoseconds took{};
  std::vector<Process> processes;       // by ascending key.pid
  std::vector<Thread> threads;          // grouped by process
  std::vector<Descriptor> descriptors;  // grouped by process in the same order, ascending fd within
                                        // a table
  std::vector<Socket> sockets;          // each socket once
  std::vector<Detail> details;
  std::vector<ThreadWait> waits;  // where asked for, by ascending thread; only of threads asleep
  std::vector<FileLock> locks;    // where asked for: those that somebody waits for
  TextPool texts;
  std::vector<Loss> losses;
  std::vector<Blind> blinds;

  const Process& process_of(const Descriptor& d) const { return processes[number(d.process)]; }
  const Socket* socket_of(const Descriptor& d) const {
    return d.socket ? &sockets[number(*d.socket)] : nullptr;
  }
  const Detail* detail_of(const Descriptor& d) const {
    return d.detail ? &details[number(*d.detail)] : nullptr;
  }
};

// How much a survey should find out. Each part costs; `plumb ls --count` wants none of them.
struct SurveyRequest {
  std::vector<Pid> only{};  // these processes' descriptors; empty: everybody's. Processes
                            // themselves are always all listed.
  bool names = true;        // paths of files (about a quarter of an iterator's time)
  bool sockets = true;      // sockets' records
  bool details = true;      // fdinfo of the rare kinds, a read of about 5 us each
  bool command_lines = true;
  bool threads = true;  // every thread with what it waits in; otherwise the leader's alone
  bool waits = false;   // what the listed threads' calls point to, and locks; about 20 us a thread
};

}  // namespace plumb::detect
