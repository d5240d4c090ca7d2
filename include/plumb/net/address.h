// SPDX-License-Identifier: Apache-2.0
// Address: where a socket listens or whom it talks to: IPv4, IPv6 or a unix path. A value; reading
// and printing are inverse. Names are not resolved here, see resolver.h.
#pragma once

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "plumb/base/result.h"

namespace plumb::runtime {

class Address {
 public:
  // "127.0.0.1:80", "[::1]:80", ":80" (every IPv6 and IPv4 address), "unix:/run/x.sock",
  // "unix:@name" (abstract). Errors: EINVAL with what is expected.
  static Result<Address> parse(std::string_view text);
  static Address loopback(std::uint16_t port);  // 127.0.0.1; port 0: the kernel chooses
  // Errors: ENAMETOOLONG beyond 107 bytes. A name that begins with '@' is abstract.
  static Result<Address> unix_path(std::string_view path);
  // As the kernel gave it; length 0 is an unnamed unix socket.
  static Address from_kernel(const sockaddr_storage& storage, socklen_t length);

  Address() = default;

  int family() const noexcept { return storage_.ss_family; }
  bool is_unix() const noexcept { return family() == AF_UNIX; }
  std::uint16_t port() const noexcept;  // 0 for unix
  Address with_port(std::uint16_t port) const;
  std::string path() const;  // unix only; "@name" when abstract
  std::string text() const;  // as parse() reads it

  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const noexcept { return length_; }

  friend bool operator==(const Address& a, const Address& b) noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace plumb::runtime
