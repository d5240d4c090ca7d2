// SPDX-License-Identifier: Apache-2.0
// plumb's server of these benchmarks: 13 bytes at /, files below the directory given, and event
// streams that say nothing at /events.
//   web_plumb DIRECTORY
#include <cstdio>

#include "plumb/loop/event.h"
#include "plumb/web/event_stream.h"
#include "plumb/web/files.h"
#include "plumb/web/server.h"

namespace {

using namespace plumb;
using namespace plumb::runtime;

Task<Result<void>> serve(Network& network, const char* directory) {
  auto files = FileRoot::open(directory);
  if (!files) co_return std::move(files).error();
  Event never;
  Router routes;
  routes.get("/", [](const Request&) { return Response::text("hello, world\n"); });
  routes.get("/files/{path...}", [&](Exchange& exchange) {
    return files->serve(exchange, exchange.request().parameter("path"));
  });
  routes.get("/events", [&](Exchange& exchange) {
    const auto wait = [&](EventStream&) -> Task<> {
      [[maybe_unused]] const auto waited = co_await never.wait();
    };
    return serve_events(exchange, wait, {.heartbeat = std::chrono::hours(1)});
  });
  Server server(network, routes);
  auto listener = server.listen(Address::loopback(0));
  if (!listener) co_return std::move(listener).error();
  std::printf("%d\n", (*listener)->local()->port());
  std::fflush(stdout);
  co_return co_await server.serve(**listener);
}

}  // namespace

int main(int argc, char** argv) {
  auto loop = Loop::create();
  if (!loop || argc != 2) return 1;
  Network network(**loop);
  const auto served = (*loop)->run(serve(network, argv[1]));
  if (!served) std::fprintf(stderr, "web_plumb: %s\n", served.error().message().c_str());
  return 1;
}
