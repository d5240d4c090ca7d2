// SPDX-License-Identifier: Apache-2.0
// signalfd (fs/signalfd.c): "sigmask: 0000000000000002", 64 bits in hexadecimal.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_signalfd(std::string_view text) {
  const auto mask = number_of<std::uint64_t>(text, "sigmask", 16);
  if (!mask) return std::nullopt;
  return SignalfdDetail{.mask = *mask};
}

}  // namespace plumb::detect
