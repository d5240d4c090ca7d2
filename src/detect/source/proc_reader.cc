// SPDX-License-Identifier: Apache-2.0
// The system calls behind proc_reader.h.
#include "detect/source/proc_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kFirstRead = 4096;                 // seq_file hands out a page at a time
constexpr std::size_t kEntries = std::size_t{64} << 10;  // 2,000 entries of 32 bytes

// The head of linux_dirent64 (getdents64(2)): inode, offset, length of the record, type, name.
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kNameAt = 19;

}  // namespace

ProcReader::ProcReader() : link_(PATH_MAX, '\0'), entries_(kEntries, '\0') {}

std::optional<std::string_view> ProcReader::read(const UniqueFd& directory, const char* path,
                                                 std::size_t limit, Short meaning) {
  const UniqueFd file(::openat(directory.get(), path, O_RDONLY | O_CLOEXEC));
  if (!file) {
    error_ = errno;
    return std::nullopt;
  }
  std::size_t size = 0;
  while (size < limit) {
    if (text_.size() - size < kFirstRead) text_.resize(std::max(kFirstRead, text_.size() * 2));
    const std::size_t room = std::min(text_.size(), limit) - size;
    const ssize_t got = ::read(file.get(), text_.data() + size, room);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error_ = errno;
      return std::nullopt;
    }
    size += static_cast<std::size_t>(got);
    if (got == 0) break;
    if (meaning == Short::kIsTheEnd && static_cast<std::size_t>(got) < room) break;
  }
  return std::string_view(text_).substr(0, size);
}

std::optional<std::string_view> ProcReader::link(const UniqueFd& directory, const char* path) {
  const ssize_t size = ::readlinkat(directory.get(), path, link_.data(), link_.size());
  if (size < 0) {
    error_ = errno;
    return std::nullopt;
  }
  return std::string_view(link_).substr(0, static_cast<std::size_t>(size));
}

bool ProcReader::list(const UniqueFd& directory, std::vector<std::int32_t>& numbers) {
  numbers.clear();
  while (true) {
    const long got = ::syscall(SYS_getdents64, directory.get(), entries_.data(), entries_.size());
    if (got < 0) error_ = errno;
    if (got <= 0) {
      std::sort(numbers.begin(), numbers.end());
      return got == 0;
    }
    std::string_view rest(entries_.data(), static_cast<std::size_t>(got));
    while (rest.size() > kNameAt) {
      std::uint16_t length = 0;
      std::memcpy(&length, rest.data() + kLengthAt, sizeof length);
      if (length <= kNameAt || length > rest.size()) break;
      auto record = rest.substr(kNameAt, length - kNameAt);
      rest.remove_prefix(length);
      if (const auto number = parse_number<std::int32_t>(record.substr(0, record.find('\0')))) {
        numbers.push_back(*number);
      }
    }
  }
}

void ProcPath::append(std::int32_t number) {
  const auto [end, failure] = std::to_chars(bytes_ + size_, bytes_ + sizeof bytes_ - 1, number);
  if (failure == std::errc{}) size_ = static_cast<std::size_t>(end - bytes_);
  bytes_[size_] = '\0';
}

void ProcPath::append(std::string_view text) {
  const std::size_t fits = std::min(text.size(), sizeof bytes_ - 1 - size_);
  std::memcpy(bytes_ + size_, text.data(), fits);
  size_ += fits;
  bytes_[size_] = '\0';
}

UniqueFd open_directory(const UniqueFd& parent, const char* path) {
  return UniqueFd(::openat(parent.get(), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace plumb::detect
