// SPDX-License-Identifier: Apache-2.0
// RowRoom: memory for the rows of a first survey, made ready while the BPF programs are loaded. A
// page costs the kernel 1 us when it is first written to, and in a virtual machine whose host has
// taken it back five times that: 45 MiB for 200,000 descriptors are 10 to 60 ms, on the thread for
// which everything else waits. Loading takes 15 ms of one processor, so another one has the time.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#include "detect/record/survey.h"

namespace plumb::detect {

// The open files of the machine, which is about as many as there are descriptors; dup and fork make
// more of the latter.
std::size_t open_files();

class RowRoom {
 public:
  RowRoom() = default;
  // Begins to make room for what `planned` will find. Where it chooses processes, or there is only
  // one processor, it does nothing.
  explicit RowRoom(const SurveyRequest& planned);

  // Stops where it is, and gives what it has: vectors that are empty, with their capacity. Once;
  // later they are without.
  std::vector<Descriptor> descriptors();
  std::vector<Socket> sockets();

 private:
  void stop();

  std::vector<Descriptor> descriptors_;
  std::vector<Socket> sockets_;
  std::jthread thread_;  // last: it writes to the room above
};

}  // namespace plumb::detect
