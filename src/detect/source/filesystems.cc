// SPDX-License-Identifier: Apache-2.0
// mountinfo first, statfs for the rest.
#include "detect/source/filesystems.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <optional>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMountinfoLimit = std::size_t{16} << 20;

Filesystem filesystem_named(std::string_view type) {
  if (type == "mqueue") return Filesystem::kMqueue;
  if (type == "tmpfs" || type == "devtmpfs") return Filesystem::kTmpfs;
  if (type == "hugetlbfs") return Filesystem::kHugePages;
  if (type == "nsfs") return Filesystem::kNamespaces;
  return Filesystem::kUnseen;
}

}  // namespace

std::optional<MountLine> parse_mount_line(std::string_view line) {
  take_word(line);  // the mount's number
  take_word(line);  // its parent's
  auto device = take_word(line);
  const auto major = parse_number<std::uint32_t>(take_until(device, ':'));
  const auto minor = parse_number<std::uint32_t>(device);
  if (!major || !minor) return std::nullopt;
  // A single dash ends the optional fields; blanks in paths are written \040.
  for (auto word = take_word(line); word != "-"; word = take_word(line)) {
    if (word.empty()) return std::nullopt;
  }
  return MountLine{*major, *minor, filesystem_named(take_word(line))};
}

void Filesystems::read_mounts(Pid pid, std::uint32_t mount_namespace) {
  if (!mounts_read_.insert(mount_namespace).second) return;
  auto text = reader_.read(proc_, ProcPath(number(pid), "/mountinfo").c_str(), kMountinfoLimit);
  while (text && !text->empty()) {
    const auto mount = parse_mount_line(take_until(*text, '\n'));
    if (mount && mount->major == 0) by_minor_.try_emplace(mount->minor, mount->filesystem);
  }
}

Filesystem Filesystems::of(const UniqueFd& directory, Fd fd, Pid pid, std::uint32_t mount_namespace,
                           std::uint32_t device_major, std::uint32_t device_minor) {
  if (device_major != 0) return Filesystem::kUnseen;
  auto known = by_minor_.find(device_minor);
  if (known == by_minor_.end()) {
    read_mounts(pid, mount_namespace);
    known = by_minor_.find(device_minor);
  }
  if (known != by_minor_.end()) return known->second;

  // fstatfs follows no link, so the file is opened as a mere place: that runs no driver's code.
  const UniqueFd place(::openat(directory.get(), ProcPath(number(fd)).c_str(), O_PATH | O_CLOEXEC));
  struct statfs answer {};
  const bool told = place && ::fstatfs(place.get(), &answer) == 0;
  const auto filesystem =
      told ? Filesystem(static_cast<std::uint64_t>(answer.f_type)) : Filesystem::kUnseen;
  by_minor_.emplace(device_minor, filesystem);
  return filesystem;
}

}  // namespace plumb::detect
