// SPDX-License-Identifier: Apache-2.0
// Parsing of lock lines.
#include "detect/source/lock_lines.h"

#include <algorithm>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

std::optional<FileLock::Sort> sort_named(std::string_view word) {
  if (word == "FLOCK") return FileLock::Sort::kFlock;
  if (word == "POSIX") return FileLock::Sort::kPosix;
  if (word == "OFDLCK") return FileLock::Sort::kOpenFile;
  return std::nullopt;
}

}  // namespace

std::optional<LockLine> parse_lock_line(std::string_view line) {
  LockLine parsed;
  const auto group = parse_number<std::uint64_t>(take_until(line, ':'));
  if (!group) return std::nullopt;
  parsed.group = *group;
  std::string_view word = take_word(line);
  if (word == "->") {
    parsed.waits = true;
    word = take_word(line);
  }
  const auto sort = sort_named(word);
  if (!sort) return std::nullopt;
  parsed.lock.sort = *sort;
  take_word(line);  // ADVISORY
  take_word(line);  // READ or WRITE
  const auto pid = parse_number<std::int32_t>(take_word(line));
  if (!pid) return std::nullopt;
  if (*pid > 0) parsed.lock.taker = Pid{*pid};  // -1: an open file's; 0: of another namespace
  std::string_view place = take_word(line);
  const auto major = parse_number<std::uint32_t>(take_until(place, ':'), 16);
  const auto minor = parse_number<std::uint32_t>(take_until(place, ':'), 16);
  const auto inode = parse_number<std::uint64_t>(place);
  if (!major || !minor || !inode) return std::nullopt;
  parsed.lock.device_major = *major;
  parsed.lock.device_minor = *minor;
  parsed.lock.inode = *inode;
  return parsed;
}

// A waiting line follows the line of its lock, and has its number.
std::vector<FileLock> wanted_locks(std::string_view text) {
  std::vector<FileLock> locks;
  std::optional<LockLine> last;
  bool taken = false;
  while (!text.empty()) {
    auto line = parse_lock_line(take_until(text, '\n'));
    if (!line) continue;
    if (!line->waits) {
      last = std::move(line);
      taken = false;
      continue;
    }
    if (!last || last->group != line->group) continue;
    if (!taken) locks.push_back(last->lock);
    taken = true;
    locks.back().waiters.push_back(line->lock.taker.value_or(Pid{}));
  }
  return locks;
}

}  // namespace plumb::detect
