// SPDX-License-Identifier: Apache-2.0
// The metrics of servers and clients. What these functions give keeps them in the registry and must
// end before what it measures.
// Threads: the scrape runs on the loop of what it measures, as it does when a page of that loop
// asks for it (self_pages.h).
#pragma once

#include <string>

#include "plumb/meter/registry.h"
#include "plumb/web/client.h"
#include "plumb/web/server.h"

namespace plumb::runtime {

// plumb_http_server_connections, …_connections_total, …_requests_total, …_responses_total{class},
// …_faults_total, …_errors_total, …_timeouts_total, …_broken_total, of the server `name`.
[[nodiscard]] Registry::Collector meter(Registry& registry, const Server& server, std::string name);

// plumb_http_client_connections{state}, …_connects_total, …_reuses_total, …_retries_total,
// …_unread_total{how="drained", "cut"}, …_expired_total, …_ended_by_peer_total, and for each call
// site plumb_http_client_leases{site}, …_site_requests_total, …_site_unread_total,
// …_site_expired_total. Ends before the client; the scrape runs on the client's loop.
[[nodiscard]] Registry::Collector meter(Registry& registry, const Client& client, std::string name);

}  // namespace plumb::runtime
