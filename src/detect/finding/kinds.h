// SPDX-License-Identifier: Apache-2.0
// The table of findings: one line each, and the function that concludes it. To add one: a file with
// such a function, its name here, a line in kinds.cc, a section in docs/findings.md.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

namespace id {
inline constexpr std::string_view kAcceptStarved = "accept-starved";
inline constexpr std::string_view kClosedTooEarly = "closed-too-early";
inline constexpr std::string_view kCloseWaitPileup = "close-wait-pileup";
inline constexpr std::string_view kConnectionToNowhere = "connection-to-nowhere";
inline constexpr std::string_view kDeletedFileHeld = "deleted-file-held";
inline constexpr std::string_view kDescriptorLeak = "descriptor-leak";
inline constexpr std::string_view kDoubleClose = "double-close";
inline constexpr std::string_view kEphemeralPortsNear = "ephemeral-ports-near";
inline constexpr std::string_view kGoroutineLeak = "goroutine-leak";
inline constexpr std::string_view kIdleClients = "idle-clients";
inline constexpr std::string_view kIdleConnections = "idle-connections";
inline constexpr std::string_view kIdlePeerWaits = "idle-peer-waits";
inline constexpr std::string_view kInheritedDescriptor = "inherited-descriptor";
inline constexpr std::string_view kInotifyWatchLeak = "inotify-watch-leak";
inline constexpr std::string_view kLimitNear = "limit-near";
inline constexpr std::string_view kListenerClosed = "listener-closed";
inline constexpr std::string_view kListenerGone = "listener-gone";
inline constexpr std::string_view kLockHeld = "lock-held";
inline constexpr std::string_view kMappingLeak = "mapping-leak";
inline constexpr std::string_view kMemoryGrowth = "memory-growth";
inline constexpr std::string_view kStaleWatch = "stale-epoll-watch";
inline constexpr std::string_view kStuckChildren = "stuck-children";
inline constexpr std::string_view kThreadLeak = "thread-leak";
inline constexpr std::string_view kUnclosedHttpBody = "unclosed-http-body";
inline constexpr std::string_view kUnframedResponse = "unframed-response";
inline constexpr std::string_view kUnreadBody = "unread-body";
inline constexpr std::string_view kUnreceivedDescriptor = "unreceived-descriptor";
inline constexpr std::string_view kZombieChildren = "zombie-children";
}  // namespace id

// Each appends what it finds. Pure functions of the facts; linear in the survey.
void find_accept_starved(const Facts& facts, std::vector<Finding>& found);
void find_close_wait_pileup(const Facts& facts, std::vector<Finding>& found);
void find_closed_too_early(const Facts& facts, std::vector<Finding>& found);
void find_connection_to_nowhere(const Facts& facts, std::vector<Finding>& found);
void find_deleted_file_held(const Facts& facts, std::vector<Finding>& found);
void find_descriptor_leak(const Facts& facts, std::vector<Finding>& found);
void find_double_close(const Facts& facts, std::vector<Finding>& found);
void find_ephemeral_ports_near(const Facts& facts, std::vector<Finding>& found);
void find_goroutine_leak(const Facts& facts, std::vector<Finding>& found);
void find_idle_clients(const Facts& facts, std::vector<Finding>& found);
void find_idle_connections(const Facts& facts, std::vector<Finding>& found);
void find_idle_peer_waits(const Facts& facts, std::vector<Finding>& found);
void find_inherited_descriptor(const Facts& facts, std::vector<Finding>& found);
void find_inotify_watch_leak(const Facts& facts, std::vector<Finding>& found);
void find_limit_near(const Facts& facts, std::vector<Finding>& found);
void find_listener_closed(const Facts& facts, std::vector<Finding>& found);
void find_listener_gone(const Facts& facts, std::vector<Finding>& found);
void find_lock_held(const Facts& facts, std::vector<Finding>& found);
void find_mapping_leak(const Facts& facts, std::vector<Finding>& found);
void find_memory_growth(const Facts& facts, std::vector<Finding>& found);
void find_stale_watch(const Facts& facts, std::vector<Finding>& found);
void find_stuck_children(const Facts& facts, std::vector<Finding>& found);
void find_thread_leak(const Facts& facts, std::vector<Finding>& found);
void find_unclosed_http_body(const Facts& facts, std::vector<Finding>& found);
void find_unframed_response(const Facts& facts, std::vector<Finding>& found);
void find_unread_body(const Facts& facts, std::vector<Finding>& found);
void find_unreceived_descriptor(const Facts& facts, std::vector<Finding>& found);
void find_zombie_children(const Facts& facts, std::vector<Finding>& found);

struct FindingKind {
  std::string_view id;
  std::string_view title;  // what it says, in a few words
  void (*find)(const Facts&, std::vector<Finding>&);
};
// By id.
std::span<const FindingKind> finding_kinds();

}  // namespace plumb::detect
