// SPDX-License-Identifier: Apache-2.0
// Punycode (RFC 3492), which Rust's v0 names use for identifiers beyond ASCII.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plumb::detect {

// Decodes `extended`, whose code points are inserted into `basic`. Nothing for unsound input or
// more than 128 code points; the insertion is quadratic.
std::optional<std::string> decode_punycode(std::string_view basic, std::string_view extended);

}  // namespace plumb::detect
