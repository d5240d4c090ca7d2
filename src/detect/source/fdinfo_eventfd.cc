// SPDX-License-Identifier: Apache-2.0
// eventfd (fs/eventfd.c): "eventfd-count:                3" in hexadecimal, and the id since 5.2.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_eventfd(std::string_view text) {
  const auto count = number_of<std::uint64_t>(text, "eventfd-count", 16);
  if (!count) return std::nullopt;
  return EventfdDetail{.count = *count, .id = number_of<std::uint64_t>(text, "eventfd-id")};
}

}  // namespace plumb::detect
