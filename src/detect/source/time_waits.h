// SPDX-License-Identifier: Apache-2.0
// Connections in TIME_WAIT: closed, held by nobody, and still in the way of their port.
#pragma once

#include <cstdint>

#include "detect/record/survey.h"

namespace plumb::detect {

// Adds to a survey the TCP sockets in TIME_WAIT of the network namespaces in which its processes
// are, of up to 16 of them: BPF's iterators go by descriptors and never meet these. Namespaces with
// fewer than `least` TCP sockets, these included, are left out. Some 2 ms a namespace, which is the
// walk over the kernel's one table of connections, and 1 us for each that is there. What may not be
// asked is in Survey::blinds. A survey from /proc has them already, and stays as it is.
void read_time_waits(Survey& survey, std::uint64_t least);

}  // namespace plumb::detect
