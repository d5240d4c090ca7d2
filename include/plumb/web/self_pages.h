// SPDX-License-Identifier: Apache-2.0
// The pages on which a service tells of itself: its metrics and its ledger. They say what the
// program does and from which lines; offer them on a listener of class admin, which is also served
// when descriptors have run out, at an address that only its operators reach.
// Threads: as the router's. What is shown must outlive the router.
#pragma once

#include <string_view>

#include "plumb/meter/ledger.h"
#include "plumb/meter/registry.h"
#include "plumb/web/router.h"

namespace plumb::runtime {

// GET: a scrape, as OpenMetrics for those who ask for it, else as Prometheus text.
void show_metrics(Router& routes, const Registry& registry, std::string_view pattern = "/metrics");

// GET: what is held now; ?format=text (the default), json or pprof.
//   curl -s :8080/debug/ledger?format=pprof > held && go tool pprof -top held
void show_ledger(Router& routes, const Ledger& ledger, std::string_view pattern = "/debug/ledger");

}  // namespace plumb::runtime
