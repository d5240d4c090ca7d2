// SPDX-License-Identifier: Apache-2.0
// The factory's departments: each opens its kinds once and enters them in the roster.
#pragma once

#include <string>

#include "roster.h"

namespace plumb::factory {

// Files, directories, links, devices, memory files, mqueue, namespaces. `directory` is a place of
// the factory's own.
void open_files(Roster& roster, const std::string& directory);
// Pipes, FIFOs, pseudo-terminals, and a dup.
void open_streams(Roster& roster, const std::string& directory);
// Sockets of every family, connected, listening and neither.
void open_sockets(Roster& roster, const std::string& directory);
// epoll, eventfd, timerfd, signalfd, inotify, fanotify, pidfd, io_uring, userfaultfd.
void open_events(Roster& roster, const std::string& directory);
// bpf, perf_event, seccomp, landlock, mount context, dmabuf, and one of no known kind.
void open_kernel_objects(Roster& roster);

}  // namespace plumb::factory
