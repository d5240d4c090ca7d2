// SPDX-License-Identifier: Apache-2.0
// Url: what an http or https address (RFC 3986, RFC 9110 section 4.2) says of whom to ask for what.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plumb/base/result.h"

namespace plumb::runtime {

enum class Scheme : std::uint8_t { kHttp, kHttps };

struct Url {
  Scheme scheme = Scheme::kHttp;
  std::string host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 80;
  std::string target;  // path and query, at least "/"; no fragment
  std::string
      user_info;  // "name:password", decoded; RFC 9110 deprecates it, proxies' addresses have it

  // Errors: EINVAL with what is expected: another scheme, an empty host, a blank, a bad port.
  static Result<Url> parse(std::string_view text);
  // What a Location means, seen from here (RFC 3986 section 5).
  Result<Url> resolve(std::string_view reference) const;

  std::string authority() const;  // "host" or "host:port", as the Host field has it
  std::string origin() const;     // "https://host:port", always with its port
  std::string text() const;       // without user_info
};

}  // namespace plumb::runtime
