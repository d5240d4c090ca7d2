// SPDX-License-Identifier: Apache-2.0
// Counters of loops and of the accept governor as metrics.
#include "plumb/net/meters.h"

#include <utility>

namespace plumb::runtime {
namespace {

void governor_counters(Scrape& scrape, const GovernorCounters& now) {
  const auto count = [&](CounterName name, std::string_view help, const Labels& labels,
                         std::uint64_t value) {
    scrape.counter(name, help, labels, static_cast<double>(value));
  };
  count("plumb_accept_accepted_total", "Connections accepted.", {}, now.accepted);
  const char* const shed = "Idle connections closed to make room.";
  count("plumb_accept_shed_total", shed, {{"idle", "upstream"}}, now.shed_upstream);
  count("plumb_accept_shed_total", shed, {{"idle", "between"}}, now.shed_between);
  count("plumb_accept_shed_total", shed, {{"idle", "silent"}}, now.shed_silent);
  const char* const refused = "Newcomers for whom there was no room.";
  count("plumb_accept_refused_total", refused, {{"how", "busy"}}, now.answered_busy);
  count("plumb_accept_refused_total", refused, {{"how", "closed"}}, now.turned_away);
  count("plumb_accept_pauses_total", "Times that a listener was paused.", {}, now.pauses);
  scrape.counter("plumb_accept_paused_seconds_total", "Time for which listeners were paused.", {},
                 static_cast<double>(now.paused_ns) * 1e-9);
  count("plumb_accept_shrunk_total", "Times that a backlog was made small.", {}, now.shrunk);
  const char* const exhausted = "Calls of accept() that failed for want of something.";
  count("plumb_accept_exhausted_total", exhausted, {{"of", "process"}}, now.exhausted_process);
  count("plumb_accept_exhausted_total", exhausted, {{"of", "system"}}, now.exhausted_system);
  count("plumb_accept_exhausted_total", exhausted, {{"of", "memory"}}, now.exhausted_memory);
  count("plumb_accept_aborted_total", "Connections that ended in the queue.", {}, now.aborted);
  const char* const reserve = "Reserve descriptors that were lost to others, and taken back.";
  count("plumb_accept_reserve_total", reserve, {{"what", "lost"}}, now.reserve_lost);
  count("plumb_accept_reserve_total", reserve, {{"what", "rearmed"}}, now.reserve_rearmed);
}

}  // namespace

Registry::Collector meter(Registry& registry, const Loop& loop, std::string name) {
  return registry.collect([&loop, name = std::move(name)](Scrape& scrape) {
    const LoopCounters now = loop.counters();
    const auto count = [&](CounterName metric, std::string_view help, std::uint64_t value) {
      scrape.counter(metric, help, {{"loop", name}}, static_cast<double>(value));
    };
    count("plumb_loop_turns_total", "Calls of epoll_wait.", now.turns);
    count("plumb_loop_events_total", "Descriptors that became ready.", now.events);
    count("plumb_loop_resumed_total", "Waits that ended.", now.fired);
    count("plumb_loop_posted_total", "Calls posted to the loop.", now.posted);
  });
}

Registry::Collector meter(Registry& registry, AcceptGovernor& governor) {
  return registry.collect([&governor](Scrape& scrape) {
    governor_counters(scrape, governor.counters());
    for (auto event = GovernorEvent::kPressure; event <= GovernorEvent::kReserveRearmed;
         event = static_cast<GovernorEvent>(static_cast<int>(event) + 1)) {
      scrape.counter("plumb_accept_events_total", "What the accept governor did.",
                     {{"event", name_of(event)}}, static_cast<double>(governor.happened(event)));
    }
    const auto table = [&](const char* of, std::size_t value) {
      scrape.gauge("plumb_descriptors", "The descriptor table: its limit and who holds it.",
                   {{"of", of}}, static_cast<double>(value));
    };
    const auto& budget = governor.budget();
    table("limit", budget.limit());
    table("owned", budget.owned());
    table("foreign", budget.foreign());
    table("reserve", governor.reserve_held());
  });
}

}  // namespace plumb::runtime
