// SPDX-License-Identifier: Apache-2.0
// pidfd (fs/pidfs.c): "Pid:\t12220"; -1 where the process is gone and waited for, 0 where it is in
// a pid namespace that the reader cannot see.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_pidfd(std::string_view text) {
  const auto pid = number_of<std::int32_t>(text, "Pid");
  if (!pid) return std::nullopt;
  return PidfdDetail{.pid = *pid > 0 ? std::optional(Pid(*pid)) : std::nullopt};
}

}  // namespace plumb::detect
