// SPDX-License-Identifier: Apache-2.0
// plumb's own server of these benchmarks: echo by callbacks or by coroutines, and the HTTP service
// of the EMFILE table on bare streams.
//   net_plumb echo | echo coroutine | http
#include <cstdio>
#include <string_view>

#include "peers/reply.h"
#include "plumb/net/frame_server.h"
#include "plumb/net/network.h"

namespace {

using namespace plumb::runtime;
using plumb::Result;

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";

Task<> converse_by_coroutine(Stream stream, bench::Service service) {
  Buffer buffer = stream.buffer();
  for (;;) {
    const auto got = co_await stream.read(buffer);
    if (!got || *got == 0) co_return;
    const auto reply = bench::reply_to(buffer.text(), service);
    if (!reply.empty()) {
      if (auto sent = co_await stream.write(reply); !sent) co_return;
    }
    buffer.clear();
    if (service == bench::Service::kHttp) stream.set_idleness(Idleness::kBetween);
  }
}

Task<Result<void>> serve(Network& network, bench::Service service, bool coroutine) {
  auto listener = network.listen(Address::loopback(0), {.backlog = 1024, .busy = kBusy});
  if (!listener) co_return std::move(listener).error();
  const auto address = (*listener)->local();
  if (!address) co_return address.error();
  std::printf("%d\n", address->port());
  std::fflush(stdout);
  if (coroutine) {
    co_return co_await (*listener)->serve(
        [service](Stream stream) { return converse_by_coroutine(std::move(stream), service); });
  }
  co_return co_await serve_frames(**listener, Verbatim{},
                                  [](Bytes bytes, Replies& replies) { replies.send(bytes); });
}

}  // namespace

int main(int argc, char** argv) {
  const auto service = bench::service_named(argc, argv);
  const bool coroutine = argc > 2 || service == bench::Service::kHttp;
  auto loop = Loop::create();
  if (!loop) return 1;
  Network network(**loop);
  const auto served = (*loop)->run(serve(network, service, coroutine));
  if (!served) std::fprintf(stderr, "net_plumb: %s\n", served.error().message().c_str());
  return 1;
}
