// SPDX-License-Identifier: Apache-2.0
// What a peer server does with the bytes it got: the same few instructions in every peer.
#pragma once

#include <cstring>
#include <string_view>

namespace bench {

enum class Service { kEcho, kHttp };

inline Service service_named(int argc, char** argv) {
  return argc > 1 && std::strcmp(argv[1], "http") == 0 ? Service::kHttp : Service::kEcho;
}

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

// The bytes to send back for `got`; empty: wait for more. The load sends one small request at a
// time, so that the end of a head is the end of a read.
inline std::string_view reply_to(std::string_view got, Service service) {
  if (service == Service::kEcho) return got;
  return got.ends_with("\r\n\r\n") ? kOk : std::string_view{};
}

}  // namespace bench
