// SPDX-License-Identifier: Apache-2.0
// What the files are called that a process holds: where no function is known that opens them, their
// names tell most.
#pragma once

#include <string>

#include "detect/finding/facts.h"

namespace plumb::detect {

// "57 times /etc/hosts", or "such as /srv/a and /srv/b" where each is another one; empty for kinds
// that have no names.
std::string names_text(const Facts& facts, ProcessIndex process, Kind kind);

}  // namespace plumb::detect
