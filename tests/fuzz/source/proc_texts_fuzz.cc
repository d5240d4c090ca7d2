// SPDX-License-Identifier: Apache-2.0
// Any text as each of the small files of /proc and as lines of its socket tables and mounts.
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/source/classify.h"
#include "detect/source/filesystems.h"
#include "detect/source/lock_lines.h"
#include "detect/source/net_files.h"
#include "detect/source/process_files.h"
#include "detect/source/socket_table.h"

namespace {

void within(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  if (part.data() < whole.data() || part.data() + part.size() > whole.data() + whole.size()) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stat = parse_stat(text)) within(stat->name, text);
  parse_status(text);
  within(parse_cgroup(text), text);
  parse_limits(text);
  parse_syscall(text);
  parse_namespace_link(text);
  parse_bracketed_inode(text, "socket");
  parse_protocol_name(text);
  parse_mount_line(text);
  parse_inet_line(text, false, SOCK_STREAM, 6);
  parse_inet_line(text, true, SOCK_RAW, 0);
  if (const auto line = parse_unix_line(text)) within(line->path, text);
  parse_netlink_line(text);
  parse_packet_line(text);
  parse_lock_line(text);
  for (const FileLock& lock : wanted_locks(text)) {
    if (lock.waiters.empty()) __builtin_trap();
  }
  NameBuffer buffer;
  const auto kind = classify({.mode = size < 2 ? 0U : data[0] * 256U + data[1], .name = text});
  if (printed_name(kind, text, true, buffer).size() > size + 2) __builtin_trap();
  return 0;
}
