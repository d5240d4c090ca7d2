// SPDX-License-Identifier: Apache-2.0
// FactSet: what findings are concluded from, as it stands in a recording: descriptors and sockets,
// of which there may be many, in columns; all else as JSON objects of one line, which people can
// read with sqlite3 and its JSON functions. See docs/recording.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/descriptor.h"
#include "detect/record/socket.h"
#include "detect/record/text_pool.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// Which looks at the machine tell a fact: the first, the last, or both, which say the same.
inline constexpr std::uint8_t kFirstLook = 1;
inline constexpr std::uint8_t kLastLook = 2;

struct FactRow {
  std::string record;      // what it is of: "process", "mark"
  std::uint32_t id = 0;    // within its record, in the order of the facts
  std::uint8_t looks = 0;  // of what surveys tell
  std::string json;
};
using FactRows = std::vector<FactRow>;
// A longer object is not kept, because no reader takes it.
inline constexpr std::size_t kLongestFact = 512 * 1024;

// A descriptor without its survey's places; `row` has neither process, socket nor detail.
struct DescriptorFact {
  std::uint8_t looks = 0;
  Pid pid{};
  Descriptor row;
  std::optional<SocketId> socket;
};

struct SocketFact {
  std::uint32_t place = 0;  // in the survey
  std::uint8_t looks = 0;
  Socket row;
};

// By what a descriptor is known to other facts.
struct HeldBy {
  Pid pid{};
  Tid table{};
  Fd fd{};
};

struct FactSet {
  std::vector<DescriptorFact> descriptors;
  std::vector<SocketFact> sockets;
  TextPool texts;  // of both
  FactRows rows;
};

}  // namespace plumb::detect
