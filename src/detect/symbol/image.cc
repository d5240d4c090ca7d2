// SPDX-License-Identifier: Apache-2.0
// Bounded reads from memory and from files.
#include "detect/symbol/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace plumb::detect {

std::vector<std::byte> ImageSource::load(std::uint64_t offset, std::uint64_t size,
                                         std::uint64_t limit) const {
  const std::uint64_t whole = this->size();
  if (size == 0 || size > limit || offset > whole || size > whole - offset) return {};
  std::vector<std::byte> bytes(size);
  if (read(offset, bytes) != bytes.size()) return {};
  return bytes;
}

std::size_t MemoryImage::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset >= bytes_.size()) return 0;
  const std::size_t length = std::min<std::size_t>(into.size(), bytes_.size() - offset);
  std::memcpy(into.data(), bytes_.data() + offset, length);
  return length;
}

Result<std::unique_ptr<FileImage>> FileImage::adopt(UniqueFd file, const std::string& name) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail("fstat", name, errno);
  if (!S_ISREG(status.st_mode)) return fail("read", name, EINVAL, "not a regular file");
  const FileKey key{status.st_dev, status.st_ino};
  return std::unique_ptr<FileImage>(
      new FileImage(std::move(file), static_cast<std::uint64_t>(status.st_size), key));
}

Result<std::unique_ptr<FileImage>> FileImage::open(const std::string& path) {
  auto file = UniqueFd::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::move(file).error();
  return adopt(std::move(*file), path);
}

std::size_t FileImage::read(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(file_.get(), into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace plumb::detect
