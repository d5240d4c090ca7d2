// SPDX-License-Identifier: Apache-2.0
// Asking before something is done to another process.
#pragma once

#include <optional>

#include "app/cli/command.h"

namespace plumb::app {

enum class Consent : bool { kAsk, kGiven };

// Nothing where it may be done: somebody at the terminal said so, or it was given by --yes. Else
// the status to end with: kOk where they said no, kUsage where nobody is there to be asked (said).
// What will be done must have been written to the output before; it is flushed here.
// `interrupt`, where given, is a descriptor whose readiness is a no: signals that are taken there.
std::optional<Exit> refused(Context& context, Consent consent, int interrupt = -1);

}  // namespace plumb::app
