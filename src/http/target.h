// SPDX-License-Identifier: Apache-2.0
// Which request target and which Host a request may have (RFC 9112 section 3.2).
#pragma once

#include <string_view>

#include "plumb/http/framing.h"

namespace plumb::http {

// Whether `target`, already free of control bytes, blanks and '#', has a form that the method
// allows: authority for CONNECT, "*" for OPTIONS, and an absolute path or an absolute URI for all.
bool target_fits(Method method, std::string_view target) noexcept;

// Whether `value` is a host with an optional port, or empty.
bool is_host(std::string_view value) noexcept;

}  // namespace plumb::http
