// SPDX-License-Identifier: Apache-2.0
// A service: notes as JSON over HTTP, four hourly jobs that do not run in step, metrics, and a page
// that says what the service holds. SIGTERM lets the running requests finish.
//
// usage: json_service [ADDRESS [ADMIN-ADDRESS]]    default 127.0.0.1:0 for both; prints where it
// listens
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include "plumb/jobs/jobs.h"
#include "plumb/loop/signals.h"
#include "plumb/meter/process_metrics.h"
#include "plumb/net/meters.h"
#include "plumb/web/meters.h"
#include "plumb/web/self_pages.h"
#include "plumb/web/server.h"

using namespace plumb;
using namespace plumb::runtime;
using namespace std::chrono_literals;

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append("\\").append(1, c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Notes {
 public:
  void add_routes(Router& routes) {
    routes.get("/notes", [this](const Request&) { return list(); });
    routes.get("/notes/{id}", [this](const Request& request) {
      const auto note = notes_.find(request.parameter("id"));
      if (note == notes_.end()) return Response::json("{\"error\":\"no such note\"}\n", 404);
      return Response::json("{\"text\":" + quoted(note->second) + "}\n");
    });
    routes.add("PUT", "/notes/{id}", [this](const Request& request) {
      notes_.insert_or_assign(std::string(request.parameter("id")), std::string(request.body()));
      return Response(204);
    });
    routes.add("DELETE", "/notes/{id}", [this](const Request& request) {
      const bool gone = notes_.erase(std::string(request.parameter("id"))) != 0;
      return gone ? Response(204) : Response::json("{\"error\":\"no such note\"}\n", 404);
    });
  }
  std::size_t size() const { return notes_.size(); }

 private:
  Response list() const {
    std::string ids = "[";
    for (const auto& [id, text] : notes_) ids += (ids.size() == 1 ? "" : ",") + quoted(id);
    return Response::json(ids + "]\n");
  }

  std::map<std::string, std::string, std::less<>> notes_;
};

// Four jobs that are all to run hourly. In step they would load the service at the same minute and
// leave one staircase in its graphs; on 47, 53, 59 and 67 minutes each leaves its own.
void add_jobs(Jobs& jobs, const Notes& notes, Registry& registry) {
  const auto count = std::make_shared<Gauge>(registry.gauge("notes", "Notes that are kept."));
  jobs.add({.name = "count notes", .every = 1h, .at_start = true},
           [&notes, count]() -> Task<Result<void>> {
             count->set(static_cast<double>(notes.size()));
             co_return Result<void>();
           });
  for (const char* name : {"check images", "rotate keys", "send digest"}) {
    jobs.add({.name = name, .every = 1h, .deadline = 5min}, []() -> Task<Result<void>> {
      co_return co_await runtime::sleep(10ms);  // the work
    });
  }
}

struct Service {
  Loop& loop;
  Ledger& ledger;
  Registry& registry;
};

Task<Result<void>> serve(Service service, Address address, Address admin_address) {
  auto signals = Signals::block(service.loop, {SIGTERM, SIGINT});
  if (!signals) co_return std::move(signals).error();
  Network network(service.loop);
  Notes notes;
  Router routes;
  notes.add_routes(routes);
  Router admin_routes;
  show_metrics(admin_routes, service.registry);
  show_ledger(admin_routes, service.ledger);
  Server server(network, routes);
  Server admin(network, admin_routes);
  auto listener = server.listen(address);
  if (!listener) co_return std::move(listener).error();
  auto admin_listener = admin.listen(admin_address, {.listener_class = ListenerClass::kAdmin});
  if (!admin_listener) co_return std::move(admin_listener).error();
  std::printf("%s\n%s\n", (*listener)->local()->text().c_str(),
              (*admin_listener)->local()->text().c_str());
  std::fflush(stdout);

  const auto served = meter(service.registry, server, "notes");
  const auto governed = meter(service.registry, network.governor());
  Jobs jobs(service.loop, {.registry = &service.registry});
  add_jobs(jobs, notes, service.registry);
  const auto all = [&](Scope& scope) -> Task<Result<void>> {
    const auto serve_admin = [&]() -> Task<> {
      [[maybe_unused]] const auto ended = co_await admin.serve(**admin_listener);
    };
    const auto until_signal = [&]() -> Task<> {
      [[maybe_unused]] const auto signal = co_await (*signals)->next();
      server.stop(10s);
    };
    scope.start(jobs.run());
    scope.start(serve_admin);
    scope.start(until_signal);
    co_return co_await server.serve(**listener);
  };
  // When the service has ended, so do its jobs and the pages about it.
  co_return co_await open_scope(Ending::kCancel, all);
}

int complain(const Error& error) {
  std::fprintf(stderr, "json_service: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto address = Address::parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  auto admin = Address::parse(argc > 2 ? argv[2] : "127.0.0.1:0");
  if (!address || !admin) return complain((!address ? address : admin).error());
  Ledger ledger;
  Registry registry;
  const ProcessMetrics process(registry);
  const auto held = ledger.meter(registry);
  auto loop = Loop::create({.ledger = &ledger, .name = "main"});
  if (!loop) return complain(loop.error());
  const auto served = (*loop)->run(serve({**loop, ledger, registry}, *address, *admin));
  return served ? 0 : complain(served.error());
}
