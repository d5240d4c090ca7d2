// SPDX-License-Identifier: Apache-2.0
// Network namespaces of other processes: opening one, and doing something in it.
#pragma once

#include <functional>

#include "plumb/base/ids.h"
#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// /proc/PID/ns/net. Errors: of open(2); EACCES or EPERM for other users' processes.
Result<UniqueFd> open_net_namespace(Pid process);

// Calls `what` there, in a thread of its own, so that the caller's stays where it is, and waits for
// its end. Errors: EPERM without CAP_SYS_ADMIN in the namespace's owner; `what` was not called
// then.
Result<void> in_net_namespace(const UniqueFd& net_namespace, const std::function<void()>& what);

}  // namespace plumb::detect
