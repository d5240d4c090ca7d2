// SPDX-License-Identifier: Apache-2.0
// Which files hold the TLS libraries that processes use.
#pragma once

#include <sys/types.h>

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/ids.h"

namespace plumb::detect {

struct FileIdentity {
  dev_t device{};
  ino_t inode{};
  friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

struct TlsLibrary {
  FileIdentity file{};
  std::string path;  // as it can be opened from here
  bool gnutls = false;
  bool executable = false;   // a program, which may have OpenSSL linked into it (node has)
  std::vector<Pid> users{};  // those of the processes that have it; none: anybody's children may
};

// The path in a line of /proc/PID/maps where it is one of libssl or libgnutls; else empty.
std::string_view tls_path_in(std::string_view maps_line);

// Each file once, with the processes that have it: those that they have mapped, found through their
// root directories, the system's own, and the processes' programs (of at most 64 processes). One of
// the system's that not all of the processes have is given without users: it may be loaded by their
// children.
std::vector<TlsLibrary> tls_libraries(std::span<const Pid> processes);

}  // namespace plumb::detect
