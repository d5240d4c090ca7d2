// SPDX-License-Identifier: Apache-2.0
// Whether anybody serves a listener: a thread that accepts, or that waits for it among others.
#pragma once

#include <cstdint>

#include "detect/finding/facts.h"
#include "detect/model/wait_reader.h"

namespace plumb::detect {

enum class Serving : std::uint8_t {
  kNo,       // every thread sleeps in a call that will not see a client
  kPerhaps,  // a thread runs, or waits for what cannot be read
  kYes,
};

// Of the process that holds this listening descriptor.
Serving serving(const Joined& joined, const WaitReader& reader, DescriptorIndex listener);
// Of all who hold this open file or socket.
Serving anybody_serves(const Joined& joined, const WaitReader& reader, DescriptorIndex listener);

}  // namespace plumb::detect
