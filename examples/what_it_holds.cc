// SPDX-License-Identifier: Apache-2.0
// An echo server that can say what it holds. SIGUSR1 prints its ledger: every descriptor, task and
// timer with its age and the line that acquired it. SIGUSR2 prints its metrics.
//
// usage: what_it_holds [ADDRESS]     default 127.0.0.1:0; prints where it listens; ends on SIGTERM
#include <csignal>
#include <cstdio>

#include "plumb/loop/loop.h"
#include "plumb/loop/signals.h"
#include "plumb/meter/exposition.h"
#include "plumb/meter/ledger.h"
#include "plumb/meter/process_metrics.h"
#include "plumb/net/frame_server.h"
#include "plumb/net/meters.h"
#include "plumb/net/network.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

// A kind of this program's own: the ledger has it from here to the end of the object.
class Session {
 public:
  explicit Session(Holdings& shelf) { held_.acquire(shelf); }

 private:
  Holding held_{"session"};
};

class Service {
 public:
  Service(Ledger& ledger, Registry& registry, Loop& loop)
      : ledger_(ledger), registry_(registry), loop_(loop) {}

  Task<Result<void>> serve(Address address) {
    auto signals = Signals::block(loop_, {SIGTERM, SIGINT, SIGUSR1, SIGUSR2});
    if (!signals) co_return std::move(signals).error();
    Network network(loop_);
    const auto metered = meter(registry_, network.governor());
    auto listener = network.listen(address);
    if (!listener) co_return std::move(listener).error();
    std::printf("%s\n", (*listener)->local()->text().c_str());
    std::fflush(stdout);
    const auto serving = [&](Scope& scope) -> Task<Result<void>> {
      const auto answering = [&]() -> Task<> {
        co_await answer(**signals);
        (*listener)->close();
      };
      scope.start(answering);
      co_return co_await (*listener)->serve(
          [this](Stream stream) { return converse(std::move(stream)); });
    };
    co_return co_await open_scope(Ending::kCancel, serving);
  }

 private:
  Task<> converse(Stream stream) {
    const Session session(ledger_.own());
    Buffer buffer = stream.buffer();
    for (;;) {
      const auto got = co_await stream.read(buffer);
      if (!got || *got == 0 || !co_await stream.write(buffer.bytes())) co_return;
      served_.add();
      buffer.clear();
    }
  }

  // Until a signal that ends the service.
  Task<> answer(Signals& signals) {
    for (;;) {
      const auto signal = co_await signals.next();
      if (!signal || *signal == SIGTERM || *signal == SIGINT) co_return;
      const std::string said = *signal == SIGUSR1
                                   ? ledger_text(ledger_.rows())
                                   : expose(registry_.scrape(), Exposition::kPrometheus);
      std::fputs(said.c_str(), stdout);
      std::fflush(stdout);
    }
  }

  Ledger& ledger_;
  Registry& registry_;
  Loop& loop_;
  Counter served_ = registry_.counter("echo_pieces_total", "Pieces of text sent back.");
};

int complain(const Error& error) {
  std::fprintf(stderr, "what_it_holds: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto address = Address::parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  if (!address) return complain(address.error());
  Ledger ledger;
  Registry registry;
  const ProcessMetrics process(registry);
  const auto metered = ledger.meter(registry);
  auto loop = Loop::create({.ledger = &ledger, .name = "the loop"});
  if (!loop) return complain(loop.error());
  Service service(ledger, registry, **loop);
  const auto served = (*loop)->run(service.serve(*address));
  return served ? 0 : complain(served.error());
}
