// SPDX-License-Identifier: Apache-2.0
// Ten thousand connections, a hundred frames on each, never more than a few hundred at once: the
// load under which the listener of the fourth mystery vanished. Counts every frame that comes back.
//
// usage: echo_stress ADDRESS [CONNECTIONS [FRAMES_EACH [AT_ONCE]]]
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plumb/loop/loop.h"
#include "plumb/net/frame_stream.h"
#include "plumb/net/network.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

struct Plan {
  Address server;
  std::size_t connections = 10'000;
  std::size_t frames_each = 100;
  std::size_t at_once = 250;
};

struct Outcome {
  std::size_t echoed = 0;
  std::size_t wrong = 0;
  std::optional<Error> first_error;
};

// One connection: each frame must come back as it went, before the next one goes.
Task<Result<void>> talk(Network& network, const Plan& plan, std::uint64_t number,
                        Outcome& outcome) {
  auto stream = co_await network.connect(plan.server);
  if (!stream) co_return std::move(stream).error();
  FrameStream frames(*std::move(stream), LengthPrefixed{});
  for (std::uint64_t turn = 0; turn < plan.frames_each; ++turn) {
    const std::array<std::uint64_t, 2> message{number, turn};
    const Bytes bytes = std::as_bytes(std::span(message));
    if (auto sent = co_await frames.send(bytes); !sent) co_return sent;
    auto reply = co_await frames.receive();
    if (!reply) co_return std::move(reply).error();
    if (!*reply) co_return fail("receive frame", "", 0, "the server finished early");
    const bool same = (*reply)->size() == bytes.size() &&
                      std::memcmp((*reply)->data(), bytes.data(), bytes.size()) == 0;
    ++(same ? outcome.echoed : outcome.wrong);
  }
  co_return Result<void>();
}

// A worker takes the next number until there is none: `at_once` workers bound what is open.
Task<> work(Network& network, const Plan& plan, std::uint64_t& next, Outcome& outcome) {
  while (next < plan.connections) {
    const auto done = co_await talk(network, plan, next++, outcome);
    if (!done && !outcome.first_error) outcome.first_error = done.error();
  }
}

Task<Outcome> stress(Loop& loop, const Plan& plan) {
  Network network(loop);
  Outcome outcome;
  std::uint64_t next = 0;
  const auto all = [&](Scope& scope) -> Task<> {
    for (std::size_t i = 0; i < plan.at_once; ++i) scope.start(work(network, plan, next, outcome));
    co_return;
  };
  co_await open_scope(all);
  co_return outcome;
}

int complain(const Error& error) {
  std::fprintf(stderr, "echo_stress: %s\n", error.message().c_str());
  return 1;
}

std::size_t count_in(char** argv, int argc, int at, std::size_t otherwise) {
  return at < argc ? std::strtoul(argv[at], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: echo_stress ADDRESS [CONNECTIONS [FRAMES_EACH [AT_ONCE]]]\n", stderr);
    return 2;
  }
  Plan plan;
  if (auto server = Address::parse(argv[1])) {
    plan.server = *server;
  } else {
    return complain(server.error());
  }
  plan.connections = count_in(argv, argc, 2, plan.connections);
  plan.frames_each = count_in(argv, argc, 3, plan.frames_each);
  plan.at_once = count_in(argv, argc, 4, plan.at_once);

  auto loop = Loop::create();
  if (!loop) return complain(loop.error());
  const Outcome outcome = (*loop)->run(stress(**loop, plan));
  const std::size_t lost = plan.connections * plan.frames_each - outcome.echoed - outcome.wrong;
  std::printf("%zu connections, %zu frames echoed, %zu wrong, %zu lost\n", plan.connections,
              outcome.echoed, outcome.wrong, lost);
  if (outcome.first_error) return complain(*outcome.first_error);
  return outcome.wrong + lost == 0 ? 0 : 1;
}
