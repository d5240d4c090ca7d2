// SPDX-License-Identifier: Apache-2.0
// The master of a pseudo-terminal (drivers/tty/pty.c): "tty-index:\t0" is N of its /dev/pts/N.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_pty(std::string_view text) {
  const auto index = number_of<std::uint32_t>(text, "tty-index");
  if (!index) return std::nullopt;
  return PtyDetail{.index = *index, .master = true};
}

}  // namespace plumb::detect
