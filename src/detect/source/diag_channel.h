// SPDX-License-Identifier: Apache-2.0
// DiagChannel: asks one network namespace's kernel tables about sockets. The answers are parsed in
// socket_diag.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "detect/source/byte_view.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// Threads: one at a time, any.
class DiagChannel {
 public:
  using Visit = std::function<void(Bytes message)>;

  // In the calling thread's network namespace. Errors: of socket(2); EPROTONOSUPPORT where the
  // kernel has no sock_diag.
  static Result<DiagChannel> open();
  // In the namespace behind an open /proc/PID/ns/net; a thread of its own enters it, so that the
  // caller's stays where it is. Errors: EPERM without CAP_SYS_ADMIN in that namespace's owner.
  static Result<DiagChannel> open_in(const UniqueFd& net_namespace);

  // Each calls `visit` with every answer. Errors: ENOENT where the kernel has no table of that
  // sort, EPERM, ENOBUFS. An answer's view is good during the call.
  Result<void> dump_unix(const Visit& visit);
  Result<void> dump_inet(std::uint8_t family, std::uint8_t protocol, const Visit& visit);
  // Of TCP, those in certain states (a bit each, of <netinet/tcp.h>), without their times.
  Result<void> dump_tcp(std::uint8_t family, std::uint32_t states, const Visit& visit);
  Result<void> dump_netlink(const Visit& visit);
  Result<void> dump_packet(const Visit& visit);
  Result<void> dump_vsock(const Visit& visit);

  // "eth0" for a number; empty where this namespace has no such interface.
  std::string interface_name(std::uint32_t index) const;

 private:
  explicit DiagChannel(UniqueFd socket);
  Result<void> dump(Bytes request, const char* table, const Visit& visit);

  UniqueFd socket_;
  std::vector<std::byte> buffer_;
};

}  // namespace plumb::detect
