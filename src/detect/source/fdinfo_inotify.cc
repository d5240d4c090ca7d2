// SPDX-License-Identifier: Apache-2.0
// inotify: one line a watch, all numbers in hexadecimal (fs/notify/fdinfo.c):
//   inotify wd:1 ino:3c51a sdev:fe00000 mask:2 ignored_mask:0 fhandle-bytes:8 …
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_inotify(std::string_view text) {
  InotifyDetail detail;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    const auto watch = line.starts_with("inotify ") ? word_of(line, "wd", 16) : std::nullopt;
    if (!watch || *watch > INT32_MAX) continue;
    const auto device = word_of(line, "sdev", 16).value_or(0);
    detail.watches.push_back({
        .watch = static_cast<std::int32_t>(*watch),
        .inode = word_of(line, "ino", 16).value_or(0),
        .device_major = kernel_major(device),
        .device_minor = kernel_minor(device),
        .mask = static_cast<std::uint32_t>(word_of(line, "mask", 16).value_or(0)),
    });
  }
  return detail;
}

}  // namespace plumb::detect
