// SPDX-License-Identifier: Apache-2.0
// A framed echo server: a frame comes in, the same frame goes out. The server of the fourth mystery
// as it should have been. There, only a duplicate of the listening descriptor was kept, and when
// the garbage collector closed the original, the port was gone. Here the listener is an object: it
// listens until it ends, and it cannot end while somebody serves it.
//
// usage: echo_server [ADDRESS]     default 127.0.0.1:0; prints where it listens; ends on SIGTERM
#include <csignal>
#include <cstdio>

#include "plumb/loop/loop.h"
#include "plumb/loop/signals.h"
#include "plumb/net/frame_server.h"
#include "plumb/net/network.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

struct Tally {
  std::size_t frames = 0;
};

Task<Result<void>> serve(Loop& loop, Address address) {
  auto signals = Signals::block(loop, {SIGTERM, SIGINT});
  if (!signals) co_return std::move(signals).error();
  Network network(loop);
  auto listener = network.listen(address);
  if (!listener) co_return std::move(listener).error();
  std::printf("%s\n", (*listener)->local()->text().c_str());
  std::fflush(stdout);

  Tally tally;
  const auto on_frame = [&tally](Bytes frame, Replies& replies) {
    ++tally.frames;
    replies.send(frame);
  };
  const auto serving = [&](Scope& scope) -> Task<Result<void>> {
    const auto until_signal = [&]() -> Task<> {
      [[maybe_unused]] const auto signal = co_await (*signals)->next();
      (*listener)->close();  // the connected finish what they began
    };
    scope.start(until_signal);
    co_return co_await serve_frames(**listener, LengthPrefixed{.most = 64 * 1024}, on_frame);
  };
  const auto served = co_await open_scope(Ending::kCancel, serving);
  std::printf("%zu frames\n", tally.frames);
  co_return served;
}

int complain(const Error& error) {
  std::fprintf(stderr, "echo_server: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto address = Address::parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  if (!address) return complain(address.error());
  auto loop = Loop::create();
  if (!loop) return complain(loop.error());
  const auto served = (*loop)->run(serve(**loop, *address));
  return served ? 0 : complain(served.error());
}
