// SPDX-License-Identifier: Apache-2.0
// The names of the system calls that make, use and end descriptors and other resources, as the
// manual pages write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace plumb::detect {

// "accept4"; empty for a number that does none of that. Numbers of x86-64.
std::string_view call_name(std::uint16_t number);

// close, close_range: those that only end descriptors.
bool is_closing_call(std::uint16_t number);
// read, write, sendmsg, …: those that neither make nor end one.
bool is_using_call(std::uint16_t number);

}  // namespace plumb::detect
