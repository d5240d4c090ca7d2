// SPDX-License-Identifier: Apache-2.0
// Listeners: they live as long as their object and no longer, stale socket files, shared ports,
// ends of serve(), and ten thousand connections in a row.
#include "plumb/net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "network_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class ListenerTest : public NetworkTest {
 protected:
  ListenerTest() {
    char folder[] = "/tmp/plumb-listener-XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  ~ListenerTest() override { std::filesystem::remove_all(folder_); }
  Address at(const char* name) const { return *Address::unix_path(folder_ + "/" + name); }

  std::string folder_;
};

TEST_F(ListenerTest, TheFileOfAUnixSocketComesAndGoesWithIt) {
  const auto address = at("socket");
  {
    auto listener = network().listen(address);
    ASSERT_TRUE(listener);
    EXPECT_EQ(::access(address.path().c_str(), F_OK), 0);
    EXPECT_EQ(network().listen(address).error().code, EADDRINUSE);
  }
  EXPECT_NE(::access(address.path().c_str(), F_OK), 0);
}

TEST_F(ListenerTest, ReplacesAStaleSocketFileAndNothingElse) {
  const auto stale = at("stale");
  {
    auto dead = UniqueFd::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(dead->get(), stale.raw(), stale.length()), 0);
  }
  EXPECT_TRUE(network().listen(stale));
  const auto file = at("file");
  ASSERT_TRUE(UniqueFd::open(file.path(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(network().listen(file).error().code, EADDRINUSE);
  EXPECT_EQ(::access(file.path().c_str(), F_OK), 0);
}

TEST_F(ListenerTest, SeveralShareAPortWhenAskedTo) {
  auto first = network().listen(Address::loopback(0), {.reuse_port = true});
  ASSERT_TRUE(first);
  const auto address = *(*first)->local();
  EXPECT_TRUE(network().listen(address, {.reuse_port = true}));
  EXPECT_EQ(network().listen(address).error().code, EADDRINUSE);
}

Task<> echo_line(Stream stream) {
  Buffer buffer = stream.buffer();
  const auto got = co_await stream.read(buffer);
  if (!got) co_return;
  EXPECT_TRUE(co_await sleep(2ms));
  EXPECT_TRUE(co_await stream.write(buffer.bytes()));
}

TEST_F(ListenerTest, CloseEndsServingAndLetsTheConnectionsFinish) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    const auto address = *(*listener)->local();
    bool ended = false;
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Listener& on, bool& over) -> Task<> {
        EXPECT_TRUE(co_await on.serve(&echo_line));
        over = true;
      }(**listener, ended));
      auto client = co_await net.connect(address);
      EXPECT_TRUE(co_await client->write("x"));
      EXPECT_TRUE(co_await sleep(1ms));
      (*listener)->close();
      EXPECT_FALSE(ended);
      const auto late = co_await net.connect(address);
      EXPECT_EQ(late.error().code, ECONNREFUSED);
      const auto heard = co_await read_all(*client);
      EXPECT_TRUE(heard && *heard == "x");
    });
  }(network()));
}

TEST_F(ListenerTest, CancellingItCancelsTheConnections) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Listener& on) -> Task<> {
        const auto ended = co_await on.serve(&echo_line);
        EXPECT_EQ(ended.error().code, ECANCELED);
      }(**listener));
      auto client = co_await net.connect(*(*listener)->local());
      EXPECT_TRUE(co_await sleep(1ms));
      scope.cancel();
      const auto guarded = co_await shield(1s);
      const auto heard = co_await read_all(*client);
      EXPECT_TRUE(heard && heard->empty());
    });
  }(network()));
}

// The port of the fourth mystery vanished under load; this one is there after all of it.
TEST_F(ListenerTest, IsStillThereAfterTenThousandConnections) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    const auto address = *(*listener)->local();
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Listener& on) -> Task<> {
        const auto drop = [](Stream stream) -> Task<> {
          stream.abort();
          co_return;
        };
        [[maybe_unused]] const auto ended = co_await on.serve(drop);
      }(**listener));
      for (int i = 0; i < 10'000; ++i) {
        auto client = co_await net.connect(address);
        // The reset may come before the connecting side has seen that it was connected.
        EXPECT_TRUE(client || client.error().code == ECONNRESET);
      }
      for (int i = 0; i < 100 && net.governor().counters().accepted < 10'000; ++i) {
        EXPECT_TRUE(co_await sleep(5ms));
      }
      const auto counters = net.governor().counters();
      EXPECT_EQ(counters.accepted + counters.aborted, 10'000U);
    });
  }(network()));
}

TEST_F(ListenerTest, AnAcceptEndsByDeadlineAndSaysWhenItWasClosed) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    {
      const auto bound = co_await deadline(1ms);
      const auto none = co_await (*listener)->accept();
      EXPECT_EQ(none.error().code, ETIMEDOUT);
    }
    (*listener)->close();
    const auto closed = co_await (*listener)->accept();
    EXPECT_EQ(closed.error().code, EBADF);
  }(network()));
}

}  // namespace
}  // namespace plumb::runtime
