// SPDX-License-Identifier: Apache-2.0
// Every system call of the net fails once, with every errno it has: conversations end with an error
// or succeed, listeners go on, nothing hangs, and descriptors, tasks, timers and memory are as
// before.
#include <optional>

#include "network_fixture.h"
#include "plumb/net/datagram.h"
#include "plumb/net/frame_server.h"
#include "plumb/net/frame_stream.h"
#include "plumb/net/network.h"
#include "plumb/net/tls.h"
#include "support/certificates.h"
#include "support/failing_syscalls.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

// Runs `talk` on a fresh loop for each failure; a deadline that passes is a hang.
template <typename Talk>
void walk(Talk talk, std::size_t least) {
  std::size_t succeeded = 0;
  const std::size_t injected = test::walk_failures([&] {
    auto loop = Loop::create();
    if (!loop) return;
    Network network(**loop);
    const auto talked = (*loop)->run(within(3s, talk(network)));
    if (talked) {
      ++succeeded;
    } else {
      EXPECT_NE(talked.error().code, ETIMEDOUT) << talked.error().message();
    }
    EXPECT_EQ((*loop)->census(), Census{});
    EXPECT_EQ(network.blocks().lent(), 0U);
    EXPECT_EQ(network.streams(), 0U);
  });
  EXPECT_GE(injected, least);
  EXPECT_GT(succeeded, 0U);
}

Task<> echo(Stream stream) {
  auto heard = co_await read_all(stream);
  if (!heard) co_return;
  if (auto sent = co_await stream.write(*heard); !sent) co_return;
  [[maybe_unused]] const auto finished = co_await stream.finish();
}

Task<> serve(Listener& listener, Result<void>& ended) {
  ended = co_await listener.serve(&echo);
}

Task<Result<void>> ask(Stream& stream) {
  if (auto sent = co_await stream.write("hello"); !sent) co_return sent;
  if (auto finished = co_await stream.finish(); !finished) co_return finished;
  const auto heard = co_await read_all(stream);
  if (!heard) co_return heard.error();
  if (*heard != "hello") co_return fail("hear", *heard, EPIPE);  // the server's side failed
  co_return Result<void>();
}

// A listener must survive what happens to one connection: a second client is served whenever the
// first one's failure was the only one.
Task<Result<void>> talk_twice(Network& net, Address address, const TlsContext* server,
                              const TlsContext* client) {
  auto listener = net.listen(address, {.tls = server});
  if (!listener) co_return std::move(listener).error();
  const auto at = (*listener)->local();
  if (!at) co_return at.error();
  Result<void> served;
  Result<void> first;
  Result<void> second;
  const auto conversations = [&](Scope& scope) -> Task<> {
    scope.start(serve(**listener, served));
    for (auto* result : {&first, &second}) {
      auto stream = co_await net.connect(*at, {.tls = client, .server_name = "localhost"});
      if (stream) {
        *result = co_await ask(*stream);
      } else {
        *result = std::move(stream).error();
      }
    }
    scope.cancel();
  };
  co_await open_scope(conversations);
  EXPECT_EQ(served.error().code, ECANCELED) << "the listener gave up";
  EXPECT_TRUE(first || second) << "one failure ended two conversations: " << first.error().message()
                               << "; " << second.error().message();
  co_return first ? std::move(second) : std::move(first);
}

TEST(NetFailures, InAConversationOverTcp) {
  walk([](Network& net) { return talk_twice(net, Address::loopback(0), nullptr, nullptr); }, 100);
}

TEST(NetFailures, InAConversationOverAUnixSocket) {
  const auto address = *Address::parse("unix:@plumb-failure-test");
  walk([&](Network& net) { return talk_twice(net, address, nullptr, nullptr); }, 80);
}

TEST(NetFailures, InAConversationOverTls) {
  const test::Authority authority;
  const auto server = *TlsContext::server({.certificates = {authority.sign("localhost")}});
  const auto client = *TlsContext::client({.roots_pem = authority.root_pem()});
  walk([&](Network& net) { return talk_twice(net, Address::loopback(0), &server, &client); }, 150);
}

Task<Result<void>> exchange_frames(Network& net) {
  auto ends = net.pair();
  if (!ends) co_return std::move(ends).error();
  Result<void> ended;
  const auto conversation = [&](Scope& scope) -> Task<Result<void>> {
    scope.start([](Stream stream) -> Task<> {
      const LengthPrefixed codec;
      auto on_frame = [](Bytes frame, Replies& replies) { replies.send(frame); };
      [[maybe_unused]] const auto over = co_await converse(std::move(stream), codec, on_frame);
    }(std::move(ends->first)));
    FrameStream frames(std::move(ends->second), LengthPrefixed{});
    for (int i = 0; i < 3; ++i) {
      if (auto sent = co_await frames.send(bytes_of("frame")); !sent) co_return sent;
      const auto back = co_await frames.receive();
      if (!back) co_return back.error();
      if (!*back) co_return fail("receive", "", EPIPE);
    }
    co_return Result<void>();
  };
  co_return co_await open_scope(conversation);
}

TEST(NetFailures, InAnExchangeOfFrames) {
  walk(&exchange_frames, 60);
}

Task<Result<void>> exchange_datagrams(Network& net) {
  auto first = Datagrams::bind(net.loop(), Address::loopback(0));
  if (!first) co_return std::move(first).error();
  auto second = Datagrams::bind(net.loop(), Address::loopback(0));
  if (!second) co_return std::move(second).error();
  const auto to = (*second)->local();
  if (!to) co_return to.error();
  if (auto sent = co_await (*first)->send(bytes_of("ping"), *to); !sent) co_return sent;
  std::array<std::byte, 16> memory{};
  const auto got = co_await (*second)->receive(memory);
  if (!got) co_return got.error();
  EXPECT_EQ(text_of(got->bytes), "ping");
  co_return Result<void>();
}

TEST(NetFailures, InAnExchangeOfDatagrams) {
  walk(&exchange_datagrams, 30);
}

}  // namespace
}  // namespace plumb::runtime
