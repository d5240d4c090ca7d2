// SPDX-License-Identifier: Apache-2.0
// Any bytes as answers of sock_diag, of each family.
#include <cstddef>
#include <cstdint>
#include <span>

#include "detect/source/socket_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const Bytes message = std::as_bytes(std::span(data, size));
  if (const auto answer = parse_unix_diag(message)) {
    if (answer->path.size() > size) __builtin_trap();
    for (std::size_t i = 0; i < answer->queued.size() / 4; ++i) queued_inode(answer->queued, i);
  }
  const plumb::BootTime now{std::chrono::hours(1)};
  constexpr std::uint8_t kProtocols[] = {6, 17, 255};
  for (const auto protocol : kProtocols) parse_inet_diag(message, protocol, now);
  parse_netlink_diag(message);
  parse_packet_diag(message);
  parse_vsock_diag(message);
  return 0;
}
