// SPDX-License-Identifier: Apache-2.0
// Reading /proc with few system calls: three for a file, one for a link, one for 2,000 entries of a
// directory, and no allocation once the buffers have grown. Threads: one reader each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/unique_fd.h"

namespace plumb::detect {

class ProcReader {
 public:
  ProcReader();

  // What a short read of a file means. One that the kernel makes in one go (single_open: fdinfo)
  // ends there, which spares the read that says so, a fifth of the calls for a descriptor.
  enum class Short { kMayGoOn, kIsTheEnd };
  // The file's text, at most `limit` bytes of it. The view is good until the next read(). Empty
  // with error() where it cannot be read: ESRCH or ENOENT for a process that is gone.
  std::optional<std::string_view> read(const UniqueFd& directory, const char* path,
                                       std::size_t limit, Short meaning = Short::kMayGoOn);
  // Where a link leads. The view is good until the next link(). ENAMETOOLONG for a path beyond
  // 4,095 bytes, which the kernel does not print.
  std::optional<std::string_view> link(const UniqueFd& directory, const char* path);
  // The entries of a directory that are numbers, ascending. False with error() where it cannot be
  // listed; what was read before the error stays in `numbers`.
  bool list(const UniqueFd& directory, std::vector<std::int32_t>& numbers);

  // errno of the last call that failed.
  int error() const { return error_; }

 private:
  std::string text_;
  std::string link_;
  std::string entries_;
  int error_ = 0;
};

// "812/fd" and the like, without allocation: a path below /proc of at most three parts.
class ProcPath {
 public:
  explicit ProcPath(std::int32_t number) { append(number); }
  ProcPath(std::int32_t number, std::string_view rest) {
    append(number);
    append(rest);
  }
  ProcPath(std::string_view first, std::int32_t number, std::string_view rest = {}) {
    append(first);
    append(number);
    append(rest);
  }
  const char* c_str() const { return bytes_; }

 private:
  void append(std::int32_t number);
  void append(std::string_view text);

  char bytes_[64] = {};
  std::size_t size_ = 0;
};

// A directory, opened for the lookups in it; empty with errno where it cannot be.
UniqueFd open_directory(const UniqueFd& parent, const char* path);

}  // namespace plumb::detect
