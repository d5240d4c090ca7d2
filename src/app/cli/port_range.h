// SPDX-License-Identifier: Apache-2.0
// The ports that a network namespace gives to connections which ask for none.
#pragma once

#include <optional>

#include "detect/finding/facts.h"
#include "plumb/base/ids.h"

namespace plumb::app {

// Of the namespace in which this process is; of plumb's own where there is none, or where it may
// not be entered. The kernel's default where nothing can be read.
detect::PortRange ephemeral_ports(std::optional<Pid> process);

}  // namespace plumb::app
