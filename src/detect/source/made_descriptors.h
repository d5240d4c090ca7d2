// SPDX-License-Identifier: Apache-2.0
// Which descriptors a chosen call made: from its result, and from what it wrote into its process's
// memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "detect/source/process_follower.h"

namespace plumb::detect {

// The process stands still meanwhile. Empty where the call failed, made none, or only gave another
// number of what it was given.
std::vector<std::int32_t> made_descriptors(const ChosenCall& call);

// Whether a call that is about to be made cannot make any: a message without room for control data.
bool makes_none(const ChosenCall& call);

// The descriptors in the control data of a received message (cmsg(3)); what is cut off or makes no
// sense ends it. Pure.
std::vector<std::int32_t> passed_descriptors(std::string_view control);

}  // namespace plumb::detect
