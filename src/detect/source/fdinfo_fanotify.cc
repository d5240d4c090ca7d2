// SPDX-License-Identifier: Apache-2.0
// fanotify (fs/notify/fdinfo.c): one line of the group's flags, then one a mark, which names an
// inode, a mount or a file system:
//   fanotify flags:0 event-flags:8000
//   fanotify ino:3c51a sdev:fe00000 mflags:0 mask:2 ignored_mask:0 …
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_fanotify(std::string_view text) {
  std::optional<FanotifyDetail> detail;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (!line.starts_with("fanotify ")) continue;
    if (!detail) detail.emplace();
    if (const auto flags = word_of(line, "flags", 16)) {
      detail->flags = static_cast<std::uint32_t>(*flags);
      detail->event_flags =
          static_cast<std::uint32_t>(word_of(line, "event-flags", 16).value_or(0));
    } else {
      ++detail->marks;
    }
  }
  if (!detail) return std::nullopt;
  return *detail;
}

}  // namespace plumb::detect
