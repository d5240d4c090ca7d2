// SPDX-License-Identifier: Apache-2.0
// Hostile clients, all at once, and one polite client beside them: the memory that the server gives
// them is bounded, each is told a named error, and the polite one is served all the time.
#include <malloc.h>

#include <algorithm>

#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class HostileClientsTest : public WebTest {
 protected:
  HostileClientsTest() {
    options.patience = {.head = 300ms, .idle = 5s, .body = 300ms, .write = 5s, .linger = 50ms};
    routes.get("/hello", [](const Request&) { return Response::text("hello\n"); });
    routes.post("/upload",
                [](const Request& request) { return Response::text(std::string(request.body())); });
  }

  // Sends `first`, then `again` every `pause` until the server has had enough or `most` bytes went;
  // gives what the server said.
  Task<std::string> insist(Address address, std::string first, std::string again,
                           std::chrono::milliseconds pause, std::size_t most) {
    auto stream = co_await network().connect(address);
    EXPECT_TRUE(stream.ok());
    std::string said;
    const auto both = [&](Scope& scope) -> Task<> {
      const auto talk = [&]() -> Task<> {
        if (!co_await stream->write(first)) co_return;
        for (std::size_t sent = first.size(); sent < most && !again.empty(); sent += again.size()) {
          if (!co_await stream->write(again)) co_return;
          if (pause != 0ms && !co_await sleep(pause)) co_return;
        }
      };
      scope.start(talk);
      said = co_await read_text(*stream);
    };
    co_await open_scope(Ending::kCancel, both);
    co_return said;
  }

  // `count` clients do `attack`; each must be told `error`. A polite one is served 20 times
  // meanwhile. Gives the most memory that the server and its clients had taken at once.
  void withstand(int count, const std::function<Task<std::string>(Address)>& attack,
                 std::string_view error, std::size_t most_blocks) {
    serving([&](Server& server, Address address) -> Task<> {
      const std::size_t heap_before = ::mallinfo2().uordblks;
      int told = 0;
      std::size_t heap = 0;
      std::size_t blocks = 0;
      const auto look = [&] {
        heap = std::max(heap, std::size_t{::mallinfo2().uordblks});
        blocks = std::max(blocks, network().blocks().lent());
      };
      const auto all = [&](Scope& scope) -> Task<> {
        const auto hostile = [&]() -> Task<> {
          const std::string said = co_await attack(address);
          EXPECT_TRUE(said.find(error) != std::string::npos) << said.substr(0, 300);
          ++told;
        };
        for (int i = 0; i < count; ++i) scope.start(hostile);
        for (int i = 0; i < 20; ++i) {
          const std::string answer = co_await raw(address, get("/hello"));
          EXPECT_EQ(body_of(answer), "hello\n");
          look();
          [[maybe_unused]] const auto slept = co_await sleep(5ms);
        }
        co_await scope.join();
      };
      co_await open_scope(all);
      EXPECT_EQ(told, count);
      EXPECT_LE(blocks, most_blocks);
      // Tasks, streams and parsers besides; 0 under a sanitizer, whose heap is its own.
      if (heap > heap_before) {
        EXPECT_LE(heap - heap_before,
                  (most_blocks * 17 + static_cast<std::size_t>(count) * 16) * 1024);
      }
      EXPECT_EQ(server.counters().responses[2], 20U);
    });
  }
};

// Each has at most one block here and one with its own client, beside those of the polite one.
constexpr std::size_t blocks_for(int clients) {
  return static_cast<std::size_t>(clients) * 2 + 8;
}

TEST_F(HostileClientsTest, SlowlorisMeetsTheLimitOfAHead) {
  withstand(
      100,
      [&](Address address) {
        return insist(address, "GET /hello HTTP/1.1\r\nHost: t\r\n", "X-a: b\r\n", 20ms, 1 << 20);
      },
      "HTTP/1.1 408 Request Timeout\r\n", blocks_for(100));
}

TEST_F(HostileClientsTest, AHeadOfAMegabyteIsRefusedAtItsLimit) {
  const std::string kilobytes(8000, 'x');
  withstand(
      20,
      [&](Address address) {
        return insist(address, "GET /hello HTTP/1.1\r\nHost: t\r\n", "X: " + kilobytes + "\r\n",
                      0ms, 1 << 20);
      },
      "HTTP/1.1 431 Request Header Fields Too Large\r\n", blocks_for(20) + 20 * 4);
  withstand(
      20,
      [&](Address address) {
        return insist(address, "GET /hello HTTP/1.1\r\nHost: t\r\nX: ", kilobytes, 0ms, 1 << 20);
      },
      "HTTP/1.1 431 Request Header Fields Too Large\r\n", blocks_for(20) + 20 * 4);
}

TEST_F(HostileClientsTest, AChunkOfTwoToThe64IsNoNumber) {
  withstand(
      50,
      [&](Address address) {
        return insist(address,
                      "POST /upload HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "10000000000000000\r\n",
                      "more of it", 20ms, 1 << 20);
      },
      "HTTP/1.1 400 Bad Request\r\n", blocks_for(50));
}

TEST_F(HostileClientsTest, ABodyThatStopsMeetsTheLimitOfABody) {
  withstand(
      100,
      [&](Address address) {
        return insist(address,
                      "POST /upload HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nhalf of it",
                      "", 0ms, 0);
      },
      "HTTP/1.1 408 Request Timeout\r\n", blocks_for(100));
}

// A pipeline of 10,000 requests whose sender takes no answer: the server stops reading instead of
// keeping what it cannot say.
TEST_F(HostileClientsTest, APipelineWithoutAReaderStopsBeingRead) {
  options.patience.head = options.patience.write = 60s;  // who is slow here is the test
  std::string requests;
  for (int i = 0; i < 10'000; ++i) requests += get("/hello", "");
  serving([&](Server& server, Address address) -> Task<> {
    std::vector<Stream> streams;
    const auto all = [&](Scope& scope) -> Task<> {
      for (int i = 0; i < 10; ++i) {
        auto stream = co_await network().connect(address);
        EXPECT_TRUE(stream.ok());
        streams.push_back(*std::move(stream));
      }
      for (auto& stream : streams) {
        scope.start([&]() -> Task<> {
          [[maybe_unused]] const auto sent = co_await stream.write(requests);
        });
      }
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(body_of(co_await raw(address, get("/hello"))), "hello\n");
        EXPECT_LE(network().blocks().lent(), 10U * 8 + 8);
      }
      // Now one of them reads: nothing was lost.
      std::size_t answers = 0;
      Buffer buffer = streams.front().buffer();
      std::string tail;
      while (answers < 10'000) {
        const auto got = co_await streams.front().read(buffer);
        EXPECT_TRUE(got && *got != 0) << (got ? "the end" : got.error().message());
        if (!got || *got == 0) break;
        tail.append(buffer.text());
        buffer.clear();
        std::size_t at = 0;
        for (std::size_t next; (next = tail.find("hello\n", at)) != std::string::npos;) {
          ++answers;
          at = next + 6;
        }
        tail.erase(0, at);
      }
      EXPECT_EQ(answers, 10'000U);
      scope.cancel();
      co_await scope.join();
    };
    co_await open_scope(all);
    EXPECT_GE(server.counters().requests, 10'000U);
  });
}

}  // namespace
}  // namespace plumb::runtime
