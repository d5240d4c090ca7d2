// SPDX-License-Identifier: Apache-2.0
// How many requests a second plumb's client makes over 64 kept connections; prints that number.
//   web_client URL SECONDS
#include "plumb/web/client.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "plumb/loop/scope.h"

namespace {

using namespace plumb;
using namespace plumb::runtime;

constexpr int kConnections = 64;

Task<> ask(Network& network, std::string url, std::chrono::seconds duration) {
  Client client(network, {.per_host = kConnections, .proxies = ProxySettings{}});
  const auto began = std::chrono::steady_clock::now();
  std::size_t done = 0;
  std::size_t failed = 0;
  const auto all = [&](Scope& scope) -> Task<> {
    const auto one = [&]() -> Task<> {
      while (network.loop().now() - began < duration) {
        const auto reply = co_await client.fetch({.url = url});
        if (reply && reply->status() == 200 && reply->body.size() == 13) {
          ++done;
        } else {
          ++failed;
        }
      }
    };
    for (int i = 0; i < kConnections; ++i) scope.start(one);
    co_await scope.join();
  };
  co_await open_scope(all);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (failed != 0) std::exit(1);
  std::printf("%.0f\n", static_cast<double>(done) / took.count());
}

}  // namespace

int main(int argc, char** argv) {
  auto loop = Loop::create();
  if (!loop || argc != 3) return 1;
  Network network(**loop);
  (*loop)->run(ask(network, argv[1], std::chrono::seconds(std::atoi(argv[2]))));
}
