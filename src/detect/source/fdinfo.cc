// SPDX-License-Identifier: Apache-2.0
// The common lines of an fdinfo, and who decodes the rest.
#include "detect/source/fdinfo.h"

#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
  if (!line.starts_with(key)) return std::nullopt;
  line.remove_prefix(key.size());
  if (!line.starts_with(':')) return std::nullopt;
  return trim(line.substr(1));
}

std::optional<std::uint64_t> word_of(std::string_view line, std::string_view key, int base) {
  std::string_view rest = line;
  while (true) {
    std::string_view word = take_word(rest);
    if (word.empty()) return std::nullopt;
    if (!word.starts_with(key)) continue;
    word.remove_prefix(key.size());
    if (!word.starts_with(':')) continue;
    word.remove_prefix(1);
    if (word.empty()) word = take_word(rest);
    return parse_number<std::uint64_t>(word, base);
  }
}

FdinfoCommon parse_fdinfo(std::string_view text) {
  FdinfoCommon common;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (const auto value = value_of(line, "pos")) {
      common.position = parse_number<std::uint64_t>(*value).value_or(0);
    } else if (const auto flags = value_of(line, "flags")) {
      common.flags = parse_number<std::uint32_t>(*flags, 8).value_or(0);
    } else if (const auto mount = value_of(line, "mnt_id")) {
      common.mount = parse_number<std::uint32_t>(*mount);
    } else if (const auto inode = value_of(line, "ino")) {
      common.inode = parse_number<std::uint64_t>(*inode);
    } else if (value_of(line, "lock")) {
      ++common.locks;
    }
  }
  return common;
}

std::optional<Detail> decode_fdinfo(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::kEpoll:
      return decode_epoll(text);
    case Kind::kEventfd:
      return decode_eventfd(text);
    case Kind::kTimerfd:
      return decode_timerfd(text);
    case Kind::kSignalfd:
      return decode_signalfd(text);
    case Kind::kInotify:
      return decode_inotify(text);
    case Kind::kFanotify:
      return decode_fanotify(text);
    case Kind::kPidfd:
      return decode_pidfd(text);
    case Kind::kBpf:
      return decode_bpf(text);
    case Kind::kIoUring:
      return decode_io_uring(text);
    case Kind::kPty:
      return decode_pty(text);
    case Kind::kDmabuf:
      return decode_dmabuf(text);
    default:
      return std::nullopt;
  }
}

bool has_fdinfo_detail(Kind kind) {
  switch (kind) {
    case Kind::kEpoll:
    case Kind::kEventfd:
    case Kind::kTimerfd:
    case Kind::kSignalfd:
    case Kind::kInotify:
    case Kind::kFanotify:
    case Kind::kPidfd:
    case Kind::kBpf:
    case Kind::kIoUring:
    case Kind::kPty:
    case Kind::kDmabuf:
      return true;
    default:
      return false;
  }
}

}  // namespace plumb::detect
