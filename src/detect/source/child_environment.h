// SPDX-License-Identifier: Apache-2.0
// The environment of a command that plumb starts.
#pragma once

#include <string>
#include <vector>

namespace plumb::detect {

// plumb's own environment with these settings (NAME=VALUE) in place of those of the same names, as
// execve(2) wants it. Points into both, which must outlive it.
std::vector<char*> with_settings(const std::vector<std::string>& settings);

}  // namespace plumb::detect
