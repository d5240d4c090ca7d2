// SPDX-License-Identifier: Apache-2.0
// Ends: the other end of every descriptor that has one, and who holds it.
//
// unix sockets: by the peer that the kernel names. Pipes and FIFOs: whoever has the same inode open
// in the opposite direction. Pseudo-terminals: the other side of the same index. TCP and UDP: the
// socket with the same addresses the other way round, in the same network namespace, or in another
// one of this machine where the addresses are not loopback's (a veth pair has two ends here).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "detect/model/groups.h"
#include "detect/record/survey.h"

namespace plumb::detect {

enum class EndState : std::uint8_t {
  kNone,         // has no other end: a file, a listener, an unconnected socket
  kHeld,         // these descriptors hold it
  kAcceptQueue,  // it waits in a listener's queue; the holders are those of the listener
  kNobody,       // nobody holds it: closed, or in flight over another socket
  kUnseen,       // none that could be read holds it, but not every process could be read
  kOutside,      // on another machine
};

// The word for it in JSON: "held", "accept-queue".
std::string_view name_of(EndState state);

struct End {
  EndState state = EndState::kNone;
  // In the order of the survey. One's own row is among them where it is its own other end: a FIFO
  // opened for reading and writing.
  std::span<const DescriptorIndex> holders;
};

// Threads: immutable once made. Holds views of nothing: the survey may go. Cost: linear; about
// 40 ns and 20 bytes a descriptor.
class Ends {
 public:
  Ends() = default;  // of an empty survey
  explicit Ends(const Survey& survey);

  End of(DescriptorIndex descriptor) const;

 private:
  struct Holders {
    EndState state = EndState::kNone;
    bool socket = false;      // which of the two Groups
    std::uint32_t first = 0;  // groups [first, last)
    std::uint32_t last = 0;
  };
  friend class EndsBuilder;

  Groups by_socket_;
  Groups by_channel_;  // three groups a pipe or FIFO (readers, both, writers), two a pty
  std::vector<Holders> ends_;
};

}  // namespace plumb::detect
