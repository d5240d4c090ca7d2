// SPDX-License-Identifier: Apache-2.0
// Reads what the listed threads wait for into a survey: Survey::waits and Survey::locks.
#pragma once

#include "detect/record/survey.h"

namespace plumb::detect {

// After everything else is in the survey. Needs /proc, and for other users' processes the right to
// trace them (ptrace(2), PTRACE_MODE_ATTACH); threads whose memory may not be read are counted in
// Survey::blinds. A thread that moved on meanwhile has no wait.
void read_thread_waits(Survey& survey);

}  // namespace plumb::detect
