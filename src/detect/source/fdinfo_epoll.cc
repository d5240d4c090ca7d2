// SPDX-License-Identifier: Apache-2.0
// epoll: one line a watched file (fs/eventpoll.c, ep_show_fdinfo):
//   tfd:        4 events:       1f data:                4  pos:0 ino:40e sdev:10
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_epoll(std::string_view text) {
  EpollDetail detail;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    const auto fd = line.starts_with("tfd:") ? word_of(line, "tfd", 10) : std::nullopt;
    if (!fd || *fd > INT32_MAX) continue;
    detail.watches.push_back({
        .fd = Fd(static_cast<std::int32_t>(*fd)),
        .events = static_cast<std::uint32_t>(word_of(line, "events", 16).value_or(0)),
        .data = word_of(line, "data", 16).value_or(0),
        .inode = word_of(line, "ino", 16).value_or(0),
    });
  }
  return detail;
}

}  // namespace plumb::detect
