// SPDX-License-Identifier: Apache-2.0
// The echo server once more, in TLS: the only change is a context in the listener's options.
//
// usage: tls_echo CERTIFICATE.pem KEY.pem [ADDRESS]     talk to it: openssl s_client -connect
// ADDRESS
#include <csignal>
#include <cstdio>

#include "plumb/base/text.h"
#include "plumb/loop/loop.h"
#include "plumb/loop/signals.h"
#include "plumb/net/frame_server.h"
#include "plumb/net/network.h"
#include "plumb/net/tls.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

constexpr std::size_t kMostPem = 1024 * 1024;

Result<TlsContext> context_from(const std::string& chain_path, const std::string& key_path) {
  auto chain = read_file(chain_path, kMostPem);
  if (!chain) return std::move(chain).error();
  auto key = read_file(key_path, kMostPem);
  if (!key) return std::move(key).error();
  return TlsContext::server({.certificates = {{*chain, *key}}, .alpn = {}});
}

Task<Result<void>> serve(Loop& loop, const TlsContext& tls, Address address) {
  auto signals = Signals::block(loop, {SIGTERM, SIGINT});
  if (!signals) co_return std::move(signals).error();
  Network network(loop);
  auto listener = network.listen(address, {.busy = {}, .tls = &tls});
  if (!listener) co_return std::move(listener).error();
  std::printf("%s\n", (*listener)->local()->text().c_str());
  std::fflush(stdout);

  const auto echo = [](Bytes line, Replies& replies) { replies.send(line); };
  const auto until_signal = [&](Scope& scope) -> Task<Result<void>> {
    const auto serving = [&]() -> Task<> {
      [[maybe_unused]] const auto end = co_await serve_frames(**listener, Delimited{}, echo);
    };
    scope.start(serving);
    const auto signal = co_await (*signals)->next();
    if (!signal) co_return std::move(signal).error();
    co_return Result<void>();
  };
  co_return co_await open_scope(Ending::kCancel, until_signal);
}

int complain(const Error& error) {
  std::fprintf(stderr, "tls_echo: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: tls_echo CERTIFICATE.pem KEY.pem [ADDRESS]\n", stderr);
    return 2;
  }
  auto tls = context_from(argv[1], argv[2]);
  if (!tls) return complain(tls.error());
  auto address = Address::parse(argc > 3 ? argv[3] : "127.0.0.1:0");
  if (!address) return complain(address.error());
  auto loop = Loop::create();
  if (!loop) return complain(loop.error());
  const auto served = (*loop)->run(serve(**loop, *tls, *address));
  return served ? 0 : complain(served.error());
}
