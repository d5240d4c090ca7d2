// SPDX-License-Identifier: Apache-2.0
// The ways to a host: through a proxy's tunnel, and by the first of its addresses that answers.
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "plumb/loop/timer.h"
#include "plumb/web/client.h"
#include "runtime/web/connect_race.h"
#include "support/certificates.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using DialTest = WebTest;

Task<> carry(Stream& from, Stream& to) {
  Buffer buffer = from.buffer();
  for (;;) {
    const auto got = co_await from.read(buffer);
    if (!got || *got == 0) break;
    if (!co_await to.write(buffer.bytes())) break;
    buffer.clear();
  }
  [[maybe_unused]] const auto finished = co_await to.finish();
}

// Reads a request's head, says `words`, then carries bytes both ways between the client and `to`.
Task<> tunnel(Stream client, Address to, std::string& heard) {
  Buffer buffer = client.buffer();
  while (buffer.text().find("\r\n\r\n") == std::string_view::npos) {
    const auto got = co_await client.read(buffer);
    if (!got || *got == 0) co_return;
  }
  heard += buffer.text();
  buffer.clear();
  auto server = co_await client.network().connect(to);
  EXPECT_TRUE(server.ok());
  if (!server) co_return;
  if (!co_await client.write("HTTP/1.1 200 Connection established\r\n\r\n")) co_return;
  const auto both = [&](Scope& scope) -> Task<> {
    scope.start(carry(client, *server));
    scope.start(carry(*server, client));
    co_return;
  };
  co_await open_scope(both);
}

TEST_F(DialTest, TlsThroughATunnelIsOneConnectionForManyRequests) {
  const test::Authority authority;
  auto server_tls = TlsContext::server({.certificates = {authority.sign("localhost")}});
  auto client_tls = TlsContext::client({.roots_pem = authority.root_pem()});
  ASSERT_TRUE(server_tls && client_tls);
  serve_options.tls = &*server_tls;
  routes.get("/large", [](const Request&) { return Response::text(std::string(200'000, 'x')); });
  auto proxy = network().listen(Address::loopback(0));
  ASSERT_TRUE(proxy.ok());
  std::string heard;
  serving([&](Server&, Address address) -> Task<> {
    const auto relay = [&](Stream client) { return tunnel(std::move(client), address, heard); };
    const auto run = [&](Scope& scope) -> Task<> {
      scope.start(
          [&]() -> Task<> { [[maybe_unused]] const auto end = co_await (*proxy)->serve(relay); });
      ClientOptions client_options{.tls = &*client_tls, .proxies = ProxySettings{}};
      client_options.proxies->https = *Url::parse("http://u:p@" + (*proxy)->local()->text());
      Client client(network(), client_options);
      const std::string url = "https://localhost:" + std::to_string(address.port()) + "/large";
      for (int i = 0; i < 3; ++i) {
        const auto reply = co_await client.fetch({.url = url});
        EXPECT_TRUE(reply.ok()) << reply.error().message();
        EXPECT_TRUE(reply && reply->body.size() == 200'000);
      }
      EXPECT_EQ(client.stats().connects, 1U);
      const std::string host = "localhost:" + std::to_string(address.port());
      EXPECT_TRUE(heard.starts_with("CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n"))
          << heard;
      EXPECT_NE(heard.find("Proxy-Authorization: Basic dTpw\r\n"), std::string::npos);
      EXPECT_EQ(heard.find("GET "), std::string::npos);
    };
    co_await open_scope(Ending::kCancel, run);
  });
}

// An address that takes no connection and refuses none, as one behind a dead router: a listener
// whose queue is full drops what else comes.
class Deaf {
 public:
  explicit Deaf(Network& network) {
    fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(fd_.get(), 0), 0);
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
    address_ = Address::from_kernel(storage, length);
    network.loop().run(fill(network));
  }
  Address address() const { return *address_; }

 private:
  Task<> fill(Network& network) {
    for (;;) {
      const auto bound = co_await deadline(100ms);
      auto one = co_await network.connect(address());
      if (!one) co_return;
      queued_.push_back(*std::move(one));
    }
  }

  UniqueFd fd_;
  std::optional<Address> address_;
  std::vector<Stream> queued_;
};

class RaceTest : public DialTest {
 protected:
  // Races for `addresses` with a listener at the last; gives how long that took.
  std::chrono::nanoseconds race(std::vector<Address> addresses) {
    auto live = network().listen(Address::loopback(0));
    EXPECT_TRUE(live.ok());
    addresses.push_back(*(*live)->local());
    const auto began = std::chrono::steady_clock::now();
    auto stream = loop().run(connect_first(network(), addresses));
    EXPECT_TRUE(stream.ok()) << stream.error().message();
    if (stream) {
      EXPECT_EQ(stream->peer()->text(), addresses.back().text());
    }
    return std::chrono::steady_clock::now() - began;
  }
};

// Port 1 of ::1: refused at once, or unreachable on a machine without IPv6.
TEST_F(RaceTest, ADeadAddressOfTheOtherFamilyCostsNothing) {
  const auto dead = *Address::parse("[::1]:1");
  EXPECT_LT(race({dead}), 200ms);  // less than the head start that a silent one has
}

TEST_F(RaceTest, ASilentAddressCostsItsHeadStart) {
  const Deaf deaf(network());
  const auto took = race({deaf.address(), *Address::parse("[::1]:1")});
  EXPECT_GE(took, 250ms);
  EXPECT_LT(took, 20s);  // the kernel itself would try for two minutes
}

TEST_F(RaceTest, WhenNobodyAnswersTheCallersTimeEndsIt) {
  const Deaf one(network());
  const Deaf other(network());
  const auto outcome =
      loop().run(within(400ms, connect_first(network(), {one.address(), other.address()})));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ETIMEDOUT);
}

TEST_F(RaceTest, TheLastRefusalIsTold) {
  const auto outcome = loop().run(
      connect_first(network(), {*Address::parse("127.0.0.1:1"), *Address::parse("127.0.0.2:1")}));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ECONNREFUSED);
}

}  // namespace
}  // namespace plumb::runtime
