// SPDX-License-Identifier: Apache-2.0
// Pairs that need not be written: those of libraries that many programs use.
#pragma once

#include <string_view>
#include <vector>

#include "detect/record/pair.h"

namespace plumb::detect {

// Those of a library ("sqlite"), or one of them ("sqlite.db"); empty for an unknown name.
std::vector<Pair> ready_pairs(std::string_view name);

// The libraries' names, in order.
std::vector<std::string_view> ready_libraries();

// The list itself, in the form of pair_spec.h.
std::string_view ready_list();

}  // namespace plumb::detect
