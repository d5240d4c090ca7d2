// SPDX-License-Identifier: Apache-2.0
// Reading and printing of addresses.
#include "plumb/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "plumb/base/text.h"

namespace plumb::runtime {
namespace {

constexpr const char* kForms = "expected IPV4:PORT, [IPV6]:PORT, :PORT or unix:PATH";
constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

template <typename Sockaddr>
Sockaddr as(const sockaddr_storage& storage) {
  Sockaddr address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

template <typename Sockaddr>
Address made_of(const Sockaddr& address, socklen_t length = sizeof(Sockaddr)) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return Address::from_kernel(storage, length);
}

}  // namespace

Address Address::from_kernel(const sockaddr_storage& storage, socklen_t length) {
  Address address;
  address.storage_ = storage;
  address.length_ = length;
  return address;
}

Address Address::loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return made_of(address);
}

Result<Address> Address::unix_path(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail("read address", "unix:" + std::string(path), ENAMETOOLONG,
                "a unix path has 1 to 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  // The final zero belongs to a path's length, but an abstract name would contain it.
  return made_of(address, static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0U : 1U)));
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) return unix_path(text.substr(5));
  const auto colon = text.rfind(':');
  const auto invalid = [&] { return fail("read address", std::string(text), EINVAL, kForms); };
  if (colon == std::string_view::npos) return invalid();
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return invalid();
  std::string host(text.substr(0, colon));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(*port);
  if (host.empty()) return made_of(six);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1) return invalid();
    return made_of(six);
  }
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(*port);
  if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) return invalid();
  return made_of(four);
}

std::uint16_t Address::port() const noexcept {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

Address Address::with_port(std::uint16_t port) const {
  if (family() == AF_INET) {
    auto four = as<sockaddr_in>(storage_);
    four.sin_port = htons(port);
    return made_of(four);
  }
  if (family() == AF_INET6) {
    auto six = as<sockaddr_in6>(storage_);
    six.sin6_port = htons(port);
    return made_of(six);
  }
  return *this;
}

std::string Address::path() const {
  if (!is_unix() || length_ <= kPathOffset) return {};
  const auto address = as<sockaddr_un>(storage_);
  const std::size_t length = length_ - kPathOffset;
  if (address.sun_path[0] == '\0') return "@" + std::string(address.sun_path + 1, length - 1);
  return std::string(address.sun_path, ::strnlen(address.sun_path, length));
}

std::string Address::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto four = as<sockaddr_in>(storage_);
    ::inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    const auto six = as<sockaddr_in6>(storage_);
    ::inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(port());
  }
  return "unix:" + path();
}

bool operator==(const Address& a, const Address& b) noexcept {
  return a.length_ == b.length_ && std::memcmp(&a.storage_, &b.storage_, a.length_) == 0;
}

}  // namespace plumb::runtime
