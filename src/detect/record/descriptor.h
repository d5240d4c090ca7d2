// SPDX-License-Identifier: Apache-2.0
// One descriptor of one process, as a survey saw it.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/record/kind.h"
#include "detect/record/text_pool.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// The kernel's struct file: what dup, fork and SCM_RIGHTS share. From BPF it is the object's
// address, from /proc a number that kcmp(2) proved; comparable within one survey only.
enum class FileId : std::uint64_t {};

// Indices into a Survey's vectors.
enum class ProcessIndex : std::uint32_t {};
enum class DescriptorIndex : std::uint32_t {};
enum class SocketIndex : std::uint32_t {};
enum class DetailIndex : std::uint32_t {};

struct Descriptor {
  ProcessIndex process{};
  Fd fd{};
  // The thread whose table it stands in, where a thread left its group's table by unshare or clone
  // without CLONE_FILES; 0 for the group's own.
  Tid table{};
  Kind kind = Kind::kUnknown;
  bool close_on_exec = false;
  bool unlinked = false;    // no name leads to it any more: nlink is 0
  std::uint32_t mode = 0;   // st_mode
  std::uint32_t flags = 0;  // O_*, as in fdinfo; the access mode is in the low two bits
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t rdev_major = 0;  // of a device node
  std::uint32_t rdev_minor = 0;
  std::uint64_t inode = 0;
  std::uint64_t position = 0;
  std::uint64_t size = 0;        // regular files: bytes; 0 otherwise
  std::uint64_t disk_bytes = 0;  // regular files: allocated; with `unlinked`, what is held back
  std::optional<FileId> file;
  std::optional<SocketIndex> socket;
  std::optional<DetailIndex> detail;  // what the kind's fdinfo adds
  TextRef name;   // path, or the kernel's name in brackets for anonymous inodes ("[eventpoll]");
                  // empty for sockets and pipes, which are named by their numbers
  int error = 0;  // errno where it could not be read: the row stands for what is missing
};

}  // namespace plumb::detect
