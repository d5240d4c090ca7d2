// SPDX-License-Identifier: Apache-2.0
// Which connections to hang up: those of some processes whose other end certain others have, and on
// which nothing has come or gone for a while.
#pragma once

#include <chrono>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/selector.h"

namespace plumb::detect {

// The chosen processes and everything below them.
std::vector<bool> with_children(const Survey& survey, const std::vector<ProcessIndex>& chosen);

// Rows of `own` processes (by ProcessIndex) that are established TCP connections quiet for
// `older`, and whose other end is at `peer`: it is held by a process that the selector chooses, or
// is a port that it names. A connection that came to a port where somebody listens is left out:
// who waits in vain is the client. Each socket once, in the order of the survey.
std::vector<DescriptorIndex> quiet_connections(const Joined& joined, const std::vector<bool>& own,
                                               const Selector& peer,
                                               std::chrono::nanoseconds older);

}  // namespace plumb::detect
