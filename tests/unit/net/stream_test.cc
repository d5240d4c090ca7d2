// SPDX-License-Identifier: Apache-2.0
// Streams: all bytes in order, half-close, ends of every sort, cancellation, backpressure, handing
// over, no memory while idle.
#include "plumb/net/stream.h"

#include <sys/socket.h>

#include <array>
#include <thread>

#include "network_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using StreamTest = NetworkTest;

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST_F(StreamTest, CarriesTenMegabytesBothWaysWithHalfClose) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    const std::string sent = pattern(10'000'000);
    co_await open_scope([&](Scope& scope) -> Task<> {
      const auto talk = [](Stream& stream, const std::string& text) -> Task<> {
        EXPECT_TRUE(co_await stream.write(text));
        EXPECT_TRUE(co_await stream.finish());
      };
      const auto hear = [](Stream& stream, const std::string& expected) -> Task<> {
        const auto got = co_await read_all(stream);
        EXPECT_TRUE(got && *got == expected);
      };
      scope.start(talk(ends->first, sent));
      scope.start(talk(ends->second, sent));
      scope.start(hear(ends->first, sent));
      scope.start(hear(ends->second, sent));
      co_return;
    });
  }(network()));
}

TEST_F(StreamTest, AnIdleReadHoldsNoMemory) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Stream& stream) -> Task<> {
        Buffer buffer = stream.buffer();
        EXPECT_TRUE(co_await stream.read(buffer));
        EXPECT_EQ(buffer.text(), "x");
        buffer.clear();
        EXPECT_FALSE(co_await stream.read(buffer));
      }(ends->first));
      EXPECT_EQ(net.blocks().lent(), 0U);
      EXPECT_TRUE(co_await ends->second.write("x"));
      EXPECT_TRUE(co_await sleep(1ms));
      EXPECT_EQ(net.blocks().lent(), 0U);
    });
  }(network()));
}

TEST_F(StreamTest, IsQuietUntilBytesOrAnEndHaveCome) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(co_await yield());
    EXPECT_TRUE(ends->first.quiet());
    EXPECT_TRUE(co_await ends->second.write("x"));
    EXPECT_TRUE(co_await sleep(1ms));
    EXPECT_FALSE(ends->first.quiet());
    EXPECT_FALSE(ends->first.ended());
    const auto heard = co_await read_all(ends->first, 1);
    EXPECT_TRUE(heard && ends->first.quiet());
    ends->second.close();
    EXPECT_TRUE(co_await sleep(1ms));
    EXPECT_TRUE(ends->first.ended());
    EXPECT_FALSE(ends->first.quiet());
  }(network()));
}

TEST_F(StreamTest, ReadsIntoTheCallersMemory) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    EXPECT_TRUE(co_await ends->first.write("abc"));
    std::array<std::byte, 2> memory{};
    auto got = co_await ends->second.read(std::span(memory));
    EXPECT_TRUE(got && *got == 2);
    got = co_await ends->second.read(std::span(memory));
    EXPECT_TRUE(got && *got == 1);
  }(network()));
}

TEST_F(StreamTest, AWriteToOneWhoLeftFailsWithoutSignal) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    ends->second.close();
    const auto sent = co_await ends->first.write("x");
    EXPECT_EQ(sent.error().code, EPIPE);
    const auto own = co_await ends->second.write("x");
    EXPECT_EQ(own.error().code, EBADF);
  }(network()));
}

TEST_F(StreamTest, AStalledWriteEndsByDeadlineAndByCancellation) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    const std::string much = pattern(5'000'000);
    {
      const auto bound = co_await deadline(2ms);
      const auto sent = co_await ends->first.write(much);
      EXPECT_EQ(sent.error().code, ETIMEDOUT);
    }
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Stream& stream, const std::string& text) -> Task<> {
        const auto sent = co_await stream.write(text);
        EXPECT_EQ(sent.error().code, ECANCELED);
      }(ends->second, much));
      co_return;
    });
  }(network()));
}

TEST_F(StreamTest, ConnectsOverTcpAndUnixAndKnowsBothEnds) {
  loop().run([](Network& net) -> Task<> {
    for (const auto* where : {"127.0.0.1:0", "[::1]:0", "unix:@plumb-stream-test"}) {
      auto listener = net.listen(*Address::parse(where));
      EXPECT_TRUE(listener);
      const auto at = (*listener)->local();
      EXPECT_TRUE(at);
      auto client = co_await net.connect(*at);
      EXPECT_TRUE(client);
      auto served = co_await (*listener)->accept();
      EXPECT_TRUE(served);
      EXPECT_EQ(served->local()->text(), at->text());
      EXPECT_EQ(client->peer()->text(), at->text());
      EXPECT_EQ(client->local()->port(), served->peer()->port());
      EXPECT_TRUE(co_await client->write("hello"));
      client->close();
      const auto heard = co_await read_all(*served);
      EXPECT_TRUE(heard && *heard == "hello");
    }
  }(network()));
}

TEST_F(StreamTest, AnAbortIsAReset) {
  loop().run([](Network& net) -> Task<> {
    auto listener = net.listen(Address::loopback(0));
    auto client = co_await net.connect(*(*listener)->local());
    auto served = co_await (*listener)->accept();
    EXPECT_TRUE(client && served);
    served->abort();
    Buffer buffer = client->buffer();
    const auto got = co_await client->read(buffer);
    EXPECT_EQ(got.error().code, ECONNRESET);
  }(network()));
}

TEST_F(StreamTest, ConnectingWhereNobodyListensIsRefused) {
  loop().run([](Network& net) -> Task<> {
    Address nobody;
    {
      auto listener = net.listen(Address::loopback(0));
      nobody = *(*listener)->local();
    }
    const auto client = co_await net.connect(nobody);
    EXPECT_EQ(client.error().code, ECONNREFUSED);
  }(network()));
}

TEST_F(StreamTest, ATaskThatIsAlwaysServedLetsOthersRun) {
  loop().run([](Network& net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    co_await open_scope(Ending::kCancel, [&](Scope& scope) -> Task<> {
      scope.start([](Stream& a, Stream& b) -> Task<> {
        std::array<std::byte, 1> byte{};
        for (;;) {
          if (!co_await a.write("x")) co_return;
          if (!co_await b.read(std::span(byte))) co_return;
        }
      }(ends->first, ends->second));
      EXPECT_TRUE(co_await sleep(2ms));
    });
  }(network()));
}

TEST_F(StreamTest, AHandoverThatNobodyTakesIsClosedAndNoLongerCounted) {
  loop().run([](Network& net, DescriptorBudget& budget) -> Task<> {
    const auto before = budget.owned();
    {
      auto ends = net.pair();
      auto handed = std::move(ends->first).hand_over();
      EXPECT_TRUE(handed);
      EXPECT_EQ(budget.owned(), before + 2);
      { const Handover dropped = *std::move(handed); }
      EXPECT_EQ(budget.owned(), before + 1);
      const auto heard = co_await read_all(ends->second);
      EXPECT_TRUE(heard && heard->empty());
    }
    EXPECT_EQ(budget.owned(), before);
  }(network(), loop().budget()));
}

TEST_F(StreamTest, IsHandedOverToAnotherLoop) {
  auto other = Loop::create({.budget = &loop().budget()});
  ASSERT_TRUE(other);
  Network other_network(**other, &network().governor());
  loop().run([](Network& net, Loop& second, Network& second_net) -> Task<> {
    auto ends = net.pair();
    EXPECT_TRUE(ends);
    auto handed = std::move(ends->first).hand_over();
    EXPECT_TRUE(handed);
    std::thread thread([&] {
      second.run([](Network& on, Handover given) -> Task<> {
        auto stream = on.adopt(std::move(given));
        EXPECT_TRUE(stream);
        EXPECT_TRUE(co_await stream->write("from the other loop"));
      }(second_net, *std::move(handed)));
    });
    const auto heard = co_await read_all(ends->second);
    EXPECT_TRUE(heard && *heard == "from the other loop");
    thread.join();
  }(network(), **other, other_network));
}

}  // namespace
}  // namespace plumb::runtime
