// SPDX-License-Identifier: Apache-2.0
// The names of the system calls that make, use and end descriptors and other resources, as the
// manual pages write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace plumb::detect {

// Of a call that makes or ends one: "accept4"; empty for any other, so for the 0 of what is
// unknown. Numbers of x86-64.
std::string_view call_name(std::uint16_t number);
// Of a call that only uses one: "read"; empty for any other.
std::string_view using_call_name(std::uint16_t number);

// close, close_range: those that only end descriptors.
bool is_closing_call(std::uint16_t number);

}  // namespace plumb::detect
