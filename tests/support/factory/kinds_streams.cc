// SPDX-License-Identifier: Apache-2.0
// Pipes, FIFOs and pseudo-terminals: each with its other end in this process.
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kinds.h"

namespace plumb::factory {
namespace {

void open_pipe(Roster& roster) {
  auto ends = UniqueFd::pipe();
  if (!ends) return roster.refuse("pipe", "", ends.error().code);
  const int reader = roster.keep(std::move(ends->first), "pipe", "reader");
  const int writer = roster.keep(std::move(ends->second), "pipe", "writer");
  roster.join(reader, writer);
}

void open_fifo(Roster& roster, const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) return roster.refuse("fifo", "", errno);
  const int reader = roster.keep_or_refuse(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                                           "fifo", "reader");
  const int writer =
      roster.keep_or_refuse(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "fifo", "writer");
  roster.join(reader, writer);
}

void open_pty(Roster& roster) {
  const int master =
      roster.keep_or_refuse(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "pty", "master");
  char name[64];
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
      ::ptsname_r(master, name, sizeof name) != 0) {
    return;
  }
  const int slave =
      roster.keep_or_refuse(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), "pty", "slave");
  roster.join(master, slave);
}

void open_twice(Roster& roster, const std::string& path) {
  const int one = roster.keep_or_refuse(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                                        "file", "original");
  if (one < 0) return;
  const int other = roster.keep_or_refuse(::fcntl(one, F_DUPFD_CLOEXEC, 0), "file", "dup");
  roster.share(one, other);
  // The same file, not the same open file: must not be taken for shared.
  roster.keep_or_refuse(::open(path.c_str(), O_RDWR | O_CLOEXEC), "file", "opened again");
}

}  // namespace

void open_streams(Roster& roster, const std::string& directory) {
  open_pipe(roster);
  open_fifo(roster, directory + "/fifo");
  open_pty(roster);
  open_twice(roster, directory + "/twice");
}

}  // namespace plumb::factory
