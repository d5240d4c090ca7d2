// SPDX-License-Identifier: Apache-2.0
// Every system call of the loop fails once, with every errno it has: nothing hangs, nothing is
// left.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "loop_fixture.h"
#include "plumb/loop/signals.h"
#include "support/failing_syscalls.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

Task<Result<void>> use_everything(Loop& loop) {
  const auto bound = co_await deadline(2s);
  auto signals = Signals::block(loop, {SIGUSR1});
  if (!signals) co_return std::move(signals).error();
  auto ends = UniqueFd::socket_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  if (!ends) co_return std::move(ends).error();
  Descriptor descriptor(loop, DescriptorKind::kUnix);
  if (auto attached = descriptor.attach(std::move(ends->first)); !attached) co_return attached;
  ::raise(SIGUSR1);
  if (auto got = co_await (*signals)->next(); !got) co_return std::move(got).error();
  EXPECT_TRUE(
      loop.poster().post([peer = ends->second.get()] { EXPECT_EQ(::write(peer, "x", 1), 1); }));
  if (auto ready = co_await descriptor.readable(); !ready) co_return ready;
  co_return co_await sleep(1ms);
}

TEST(LoopFailures, NoFailedCallHangsOrLeavesAnything) {
  // A signal that a failed read left pending is delivered when the mask is restored.
  const auto before = std::signal(SIGUSR1, SIG_IGN);
  std::size_t succeeded = 0;
  const std::size_t injected = test::walk_failures([&] {
    auto loop = Loop::create();
    if (!loop) return;
    const auto used = (*loop)->run(use_everything(**loop));
    if (!used) {
      EXPECT_NE(used.error().code, ETIMEDOUT) << used.error().message();
    }
    succeeded += used.ok() ? 1 : 0;
    EXPECT_EQ((*loop)->census(), Census{});
  });
  std::signal(SIGUSR1, before);
  EXPECT_GT(injected, 30U);
  EXPECT_GT(succeeded, 5U);  // EINTR and the like are not failures
}

}  // namespace
}  // namespace plumb::runtime
