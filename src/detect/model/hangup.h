// SPDX-License-Identifier: Apache-2.0
// Which connections to hang up: those of some processes whose other end certain others have, and on
// which nothing has come or gone for a while.
#pragma once

#include <chrono>
#include <optional>
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

// Rows of `own` processes that are connected unix sockets and whose other end a process has that
// the selector chooses; none where it names a port. Those that came to a bound name are left out,
// as above. Each socket once.
std::vector<DescriptorIndex> unix_connections(const Joined& joined, const std::vector<bool>& own,
                                              const Selector& peer);

// Of these rows of `now` those on which nothing can have moved since `before`: it was the same
// connection with the same unread bytes, and all who have this end, or all who have the other one,
// have slept in one and the same call all the time. Of processes with several threads that is not
// known.
std::vector<DescriptorIndex> unmoved(const Joined& before, const Joined& now,
                                     const std::vector<DescriptorIndex>& rows);

}  // namespace plumb::detect
