// SPDX-License-Identifier: Apache-2.0
// Filesystems: which file system a device number without a disk belongs to. mountinfo knows those
// that are mounted; of the kernel's own (mqueue, memfds, pidfs) one statfs(2) each tells. statfs is
// never asked about what is mounted: on a dead NFS server it would not return.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "detect/source/classify.h"
#include "detect/source/proc_reader.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

class Filesystems {
 public:
  explicit Filesystems(const UniqueFd& proc) : proc_(proc) {}

  // Of the file behind descriptor `fd` in `directory`, an open /proc/PID/fd. kUnseen for disks,
  // whose type decides no kind, and where nobody would say.
  Filesystem of(const UniqueFd& directory, Fd fd, Pid pid, std::uint32_t mount_namespace,
                std::uint32_t device_major, std::uint32_t device_minor);

 private:
  void read_mounts(Pid pid, std::uint32_t mount_namespace);

  const UniqueFd& proc_;
  ProcReader reader_;
  std::unordered_map<std::uint32_t, Filesystem> by_minor_;  // of major 0
  std::unordered_set<std::uint32_t> mounts_read_;           // mount namespaces
};

// "25 1 0:20 / /dev/mqueue rw … - mqueue mqueue rw", a line of /proc/PID/mountinfo: the device and
// whether its type is one that decides a kind. Pure.
struct MountLine {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  Filesystem filesystem = Filesystem::kUnseen;
};
std::optional<MountLine> parse_mount_line(std::string_view line);

}  // namespace plumb::detect
