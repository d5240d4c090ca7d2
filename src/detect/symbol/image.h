// SPDX-License-Identifier: Apache-2.0
// ImageSource: the bytes of an ELF image, wherever they are. Files are read with pread, never
// mapped: a target that truncates a file under our mapping would kill plumb with SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// Which file, independent of its name. Zero where there is no file.
struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend auto operator<=>(const FileKey&, const FileKey&) = default;
};

class ImageSource {
 public:
  virtual ~ImageSource() = default;

  virtual std::uint64_t size() const = 0;

  // Fills `into` from `offset` on and returns how many bytes there were; short at the end of the
  // image and where it cannot be read.
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> into) const = 0;

  // The whole range, or nothing: also when it is longer than `limit` or than the image.
  std::vector<std::byte> load(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) const;
};

class MemoryImage : public ImageSource {
 public:
  explicit MemoryImage(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override;

 private:
  std::vector<std::byte> bytes_;
};

class FileImage : public ImageSource {
 public:
  // Takes a descriptor of a regular file. Errors: of fstat, and EINVAL for anything else (a FIFO or
  // a device put in a binary's place would block or act).
  static Result<std::unique_ptr<FileImage>> adopt(UniqueFd file, const std::string& name);
  static Result<std::unique_ptr<FileImage>> open(const std::string& path);

  std::uint64_t size() const override { return size_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override;

  FileKey key() const noexcept { return key_; }
  const UniqueFd& descriptor() const noexcept { return file_; }

 private:
  FileImage(UniqueFd file, std::uint64_t size, FileKey key)
      : file_(std::move(file)), size_(size), key_(key) {}

  UniqueFd file_;
  std::uint64_t size_;
  FileKey key_;
};

}  // namespace plumb::detect
