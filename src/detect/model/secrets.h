// SPDX-License-Identifier: Apache-2.0
// Secrets: what of a head or a command must not be printed unless it was asked for. By name, as it
// is written in RFC 9110 (Authorization, …), RFC 6265 (cookies), and as APIs call their keys.
#pragma once

#include <string>
#include <string_view>

namespace plumb::detect {

enum class Secrets : bool { kMask, kShow };

// Whether the value of this field is one.
bool is_secret_field(std::string_view name);

// The value, or what stands for it: the scheme of credentials and the names of cookies are kept.
std::string masked_value(std::string_view name, std::string_view value, Secrets secrets);

// The target without the values of parameters that name a key, a token, a password or a signature,
// and without the user information of an absolute one.
std::string masked_target(std::string_view target, Secrets secrets);

// Running text, such as a command line: without the values of options, variables and headers whose
// names promise a secret, and with its URLs as masked_target() leaves them.
std::string masked_text(std::string_view text);

}  // namespace plumb::detect
