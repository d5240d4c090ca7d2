// SPDX-License-Identifier: Apache-2.0
// Descriptors with a place in a file system, or that act as if they had one.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kinds.h"

namespace plumb::factory {
namespace {

int open_path(Roster& roster, const std::string& path, int flags, std::string_view kind,
              std::string_view what) {
  return roster.keep_or_refuse(::open(path.c_str(), flags | O_CLOEXEC, 0600), kind, what);
}

void open_deleted(Roster& roster, const std::string& path) {
  const int fd = open_path(roster, path, O_RDWR | O_CREAT, "file", "deleted");
  if (fd < 0) return;
  constexpr int kBytes = 64 * 1024;
  if (::posix_fallocate(fd, 0, kBytes) == 0) ::lseek(fd, 4096, SEEK_SET);
  ::unlink(path.c_str());
}

void open_mqueue(Roster& roster) {
  const std::string name = "/plumb-factory-" + std::to_string(::getpid());
  roster.keep_or_refuse(::mq_open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600, nullptr),
                        "mqueue", "");
  ::mq_unlink(name.c_str());
}

}  // namespace

void open_files(Roster& roster, const std::string& directory) {
  open_path(roster, directory + "/file", O_RDWR | O_CREAT | O_APPEND, "file", "named");
  open_deleted(roster, directory + "/gone");
  open_path(roster, directory, O_RDONLY | O_DIRECTORY, "directory", "");
  const std::string link = directory + "/link";
  if (::symlink("nowhere", link.c_str()) == 0) {
    open_path(roster, link, O_PATH | O_NOFOLLOW, "symlink", "");
  } else {
    roster.refuse("symlink", "", errno);
  }
  open_path(roster, "/dev/null", O_RDWR, "char", "");
  open_path(roster, "/dev/loop0", O_RDONLY | O_NONBLOCK, "block", "");
  roster.keep_or_refuse(::memfd_create("plumb factory", MFD_CLOEXEC), "memfd", "");
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_memfd_secret, O_CLOEXEC)), "memfd",
                        "secret");
  open_mqueue(roster);
  open_path(roster, "/proc/self/ns/net", O_RDONLY, "namespace", "net");
  open_path(roster, "/proc/self/ns/user", O_RDONLY, "namespace", "user");
}

}  // namespace plumb::factory
