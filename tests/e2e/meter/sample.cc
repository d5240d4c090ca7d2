// SPDX-License-Identifier: Apache-2.0
// A small service seen from inside: a listener, a connection, a job, metrics of every type with odd
// labels. Prints one face of itself and ends.
//   plumb_meter_sample prometheus|openmetrics|text|json|pprof
#include <cstdio>
#include <limits>
#include <string_view>

#include "plumb/jobs/jobs.h"
#include "plumb/loop/event.h"
#include "plumb/meter/exposition.h"
#include "plumb/meter/ledger.h"
#include "plumb/meter/process_metrics.h"
#include "plumb/net/meters.h"
#include "plumb/net/network.h"

namespace {

using namespace plumb::runtime;
using plumb::Result;
using namespace std::chrono_literals;

std::string face(std::string_view name, const Registry& registry, const Ledger& ledger) {
  if (name == "prometheus") return expose(registry.scrape(), Exposition::kPrometheus);
  if (name == "openmetrics") return expose(registry.scrape(), Exposition::kOpenMetrics);
  if (name == "json") return ledger_json(ledger.rows());
  if (name == "pprof") return ledger_pprof(ledger.rows());
  return ledger_text(ledger.rows());
}

Task<> serve(Network& network, Jobs& jobs, Event& ran, std::string& said, std::string_view name,
             const Registry& registry, const Ledger& ledger) {
  auto listener = network.listen(Address::loopback(0));
  if (!listener) co_return;
  auto client = co_await network.connect(*(*listener)->local());
  auto served = co_await (*listener)->accept();
  co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
    scope.start(jobs.run());
    if (co_await ran.wait()) said = face(name, registry, ledger);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Registry registry;
  Ledger ledger;
  const ProcessMetrics process(registry);
  auto loop = Loop::create({.ledger = &ledger, .name = "loop 1"});
  if (!loop) return 1;
  AcceptGovernor governor((*loop)->budget());
  Network network(**loop, &governor);
  const auto of_loop = meter(registry, **loop, "loop 1");
  const auto of_governor = meter(registry, governor);
  const auto of_ledger = ledger.meter(registry);
  auto odd = registry.counter("sample_odd_total", "Help with \"quotes\",\na line and a \\.",
                              {{"path", "C:\\temp\n\"x\" ü"}});
  odd.add(3);
  auto huge = registry.gauge("sample_huge", "Beyond every number.");
  huge.set(std::numeric_limits<double>::infinity());
  auto wait = registry.histogram("sample_wait_seconds", "Waits.", duration_buckets());
  wait.observe(3ms);
  wait.observe(1h);
  Event ran;
  Jobs jobs(**loop, {.registry = &registry});
  jobs.add({.name = "sample job", .every = 1h, .at_start = true}, [&]() -> Task<Result<void>> {
    ran.set(**loop);
    co_return co_await plumb::runtime::sleep(1h);  // the page is made while it runs
  });
  std::string said;
  (*loop)->run(serve(network, jobs, ran, said, argc > 1 ? argv[1] : "text", registry, ledger));
  std::fwrite(said.data(), 1, said.size(), stdout);
  return said.empty() ? 1 : 0;
}
