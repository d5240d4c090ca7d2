// SPDX-License-Identifier: Apache-2.0
// Counters as samples.
#include "plumb/web/meters.h"

namespace plumb::runtime {

Registry::Collector meter(Registry& registry, const Server& server, std::string name) {
  return registry.collect([&server, name = std::move(name)](Scrape& scrape) {
    const Labels of = {{"server", name}};
    const auto& counters = server.counters();
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    scrape.gauge("plumb_http_server_connections", "Connections now.", of,
                 number(server.connections()));
    scrape.counter("plumb_http_server_connections_total", "Connections accepted.", of,
                   number(counters.connections));
    scrape.counter("plumb_http_server_requests_total", "Requests whose head was understood.", of,
                   number(counters.requests));
    scrape.counter("plumb_http_server_faults_total", "Requests that broke the rules of HTTP.", of,
                   number(counters.faults));
    scrape.counter("plumb_http_server_errors_total",
                   "Handlers that threw, and answers that were refused.", of,
                   number(counters.errors));
    scrape.counter("plumb_http_server_timeouts_total", "Clients whose time was over.", of,
                   number(counters.timeouts));
    scrape.counter("plumb_http_server_broken_total", "Answers broken off.", of,
                   number(counters.broken));
    for (std::size_t digit = 1; digit <= 5; ++digit) {
      const Labels by_class = {{"server", name}, {"class", std::to_string(digit) + "xx"}};
      scrape.counter("plumb_http_server_responses_total", "Answers, by class of status.", by_class,
                     number(counters.responses[digit]));
    }
  });
}

Registry::Collector meter(Registry& registry, const Client& client, std::string name) {
  return registry.collect([&client, name = std::move(name)](Scrape& scrape) {
    const ClientStats stats = client.stats();
    const Labels of = {{"client", name}};
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    const auto state = [&](const char* text, std::size_t value) {
      scrape.gauge("plumb_http_client_connections", "Connections now, by what they do.",
                   {{"client", name}, {"state", text}}, number(value));
    };
    state("idle", stats.idle);
    state("leased", stats.leased);
    state("draining", stats.draining);
    scrape.counter("plumb_http_client_connects_total", "Connections made.", of,
                   number(stats.connects));
    scrape.counter("plumb_http_client_reuses_total", "Requests over a kept connection.", of,
                   number(stats.reuses));
    scrape.counter("plumb_http_client_retries_total", "Requests made again.", of,
                   number(stats.retries));
    const auto unread = [&](const char* how, std::uint64_t value) {
      scrape.counter("plumb_http_client_unread_total",
                     "Leases that ended before their body's end, by what became of the connection.",
                     {{"client", name}, {"how", how}}, number(value));
    };
    unread("drained", stats.drained);
    unread("cut", stats.cut);
    scrape.counter("plumb_http_client_expired_total", "Leases of which nobody read.", of,
                   number(stats.expired));
    scrape.counter("plumb_http_client_ended_by_peer_total",
                   "Ends seen on connections of which nobody read.", of,
                   number(stats.ended_by_peer));
    for (const CallSiteStats& site : stats.sites) {
      const Labels at = {{"client", name}, {"site", site.where}};
      scrape.gauge("plumb_http_client_leases", "Leases now, by the line that asked.", at,
                   number(site.leased));
      scrape.counter("plumb_http_client_site_requests_total", "Requests, by the line that asked.",
                     at, number(site.requests));
      scrape.counter("plumb_http_client_site_unread_total",
                     "Leases that ended unread, by the line that asked.", at, number(site.unread));
      scrape.counter("plumb_http_client_site_expired_total",
                     "Leases of which nobody read, by the line that asked.", at,
                     number(site.expired));
    }
  });
}

}  // namespace plumb::runtime
