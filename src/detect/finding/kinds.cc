// SPDX-License-Identifier: Apache-2.0
// The table of findings.
#include "detect/finding/kinds.h"

#include <array>

namespace plumb::detect {
namespace {

constexpr std::array kKinds_ = {
    FindingKind{id::kAcceptStarved, "clients wait at a listener that nobody serves",
                find_accept_starved},
    FindingKind{id::kCloseWaitPileup, "connections kept that the peer has closed",
                find_close_wait_pileup},
    FindingKind{id::kClosedTooEarly, "descriptors are closed that are still used",
                find_closed_too_early},
    FindingKind{id::kConnectionToNowhere, "connections whose other end is gone",
                find_connection_to_nowhere},
    FindingKind{id::kDeletedFileHeld, "files without a name kept open", find_deleted_file_held},
    FindingKind{id::kDescriptorLeak, "descriptors pile up", find_descriptor_leak},
    FindingKind{id::kDoubleClose, "descriptors are closed that are closed already",
                find_double_close},
    FindingKind{id::kEphemeralPortsNear, "local ports towards one server run out",
                find_ephemeral_ports_near},
    FindingKind{id::kGoroutineLeak, "goroutines pile up", find_goroutine_leak},
    FindingKind{id::kIdleClients, "clients keep connections and say nothing on them",
                find_idle_clients},
    FindingKind{id::kIdleConnections, "many connections to one server that nobody uses",
                find_idle_connections},
    FindingKind{id::kIdlePeerWaits, "both sides of a connection wait for the other",
                find_idle_peer_waits},
    FindingKind{id::kInheritedDescriptor, "a process keeps what it inherited by accident",
                find_inherited_descriptor},
    FindingKind{id::kInotifyWatchLeak, "inotify watches pile up", find_inotify_watch_leak},
    FindingKind{id::kLimitNear, "the descriptor table is nearly full", find_limit_near},
    FindingKind{id::kListenerClosed, "a listener was closed while its process lives on",
                find_listener_closed},
    FindingKind{id::kListenerGone, "connections at a port where nobody listens any more",
                find_listener_gone},
    FindingKind{id::kLockHeld, "a lock of a file is kept while others wait for it", find_lock_held},
    FindingKind{id::kMappingLeak, "mappings of memory pile up", find_mapping_leak},
    FindingKind{id::kMemoryGrowth, "memory grows", find_memory_growth},
    FindingKind{id::kStaleWatch, "an epoll watches what its process has closed", find_stale_watch},
    FindingKind{id::kStuckChildren, "children that never end pile up", find_stuck_children},
    FindingKind{id::kThreadLeak, "threads pile up", find_thread_leak},
    FindingKind{id::kUnclosedHttpBody, "responses whose body nobody closed",
                find_unclosed_http_body},
    FindingKind{id::kUnframedResponse, "answers whose end nobody can see", find_unframed_response},
    FindingKind{id::kUnreadBody, "bytes that came and that nobody reads", find_unread_body},
    FindingKind{id::kUnreceivedDescriptor, "descriptors that were sent and are not received",
                find_unreceived_descriptor},
    FindingKind{id::kZombieChildren, "children that ended are not waited for",
                find_zombie_children},
};

}  // namespace

std::span<const FindingKind> finding_kinds() {
  return kKinds_;
}

}  // namespace plumb::detect
