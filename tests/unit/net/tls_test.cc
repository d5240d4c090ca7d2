// SPDX-License-Identifier: Apache-2.0
// TLS: data both ways, names and trust, ALPN and SNI, ends with and without close_notify, and a
// peer that vanishes at every byte of its flight.
#include "plumb/net/tls.h"

#include "network_fixture.h"
#include "support/certificates.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class TlsTest : public NetworkTest {
 protected:
  test::Authority authority_;
  TlsContext server_ = *TlsContext::server(
      {.certificates = {authority_.sign("localhost"), authority_.sign("other.example"),
                        authority_.sign("127.0.0.1")},
       .alpn = {"plumb/1", "http/1.1"}});
  TlsContext client_ =
      *TlsContext::client({.roots_pem = authority_.root_pem(), .alpn = {"h9", "http/1.1"}});
};

Task<> echo_once(Listener& listener) {
  auto stream = co_await listener.accept();
  EXPECT_TRUE(stream);
  auto heard = co_await read_all(*stream);
  EXPECT_TRUE(heard);
  if (!heard) co_return;
  EXPECT_TRUE(co_await stream->write(*heard));
  EXPECT_TRUE(co_await stream->finish());
}

TEST_F(TlsTest, CarriesThreeMegabytesThereAndBackWithHalfClose) {
  loop().run([](Network& net, TlsContext& server, TlsContext& client) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.tls = &server});
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start(echo_once(**listener));
      auto stream =
          co_await net.connect(*(*listener)->local(), {.tls = &client, .server_name = "localhost"});
      EXPECT_TRUE(stream);
      EXPECT_EQ(stream->alpn(), "http/1.1");
      EXPECT_TRUE(stream->encrypted());
      const std::string text(3'000'000, 'q');
      EXPECT_TRUE(co_await stream->write(text));
      EXPECT_TRUE(co_await stream->finish());
      const auto back = co_await read_all(*stream);
      EXPECT_TRUE(back && *back == text);
    });
  }(network(), server_, client_));
}

Task<Result<Stream>> shake(Network& net, TlsContext& server, TlsContext& client,
                           std::string_view name, std::string& seen_name) {
  auto listener = net.listen(Address::loopback(0), {.tls = &server});
  std::optional<Result<Stream>> connected;
  co_await open_scope([&](Scope& scope) -> Task<> {
    scope.start([](Listener& on, std::string& out) -> Task<> {
      auto stream = co_await on.accept();
      [[maybe_unused]] const auto shaken = co_await stream->handshake();
      out = stream->server_name();
    }(**listener, seen_name));
    connected.emplace(
        co_await net.connect(*(*listener)->local(), {.tls = &client, .server_name = name}));
  });
  co_return std::move(*connected);
}

TEST_F(TlsTest, ChoosesTheCertificateByNameAndVerifiesIt) {
  std::string seen;
  EXPECT_TRUE(loop().run(shake(network(), server_, client_, "localhost", seen)));
  EXPECT_EQ(seen, "localhost");
  EXPECT_TRUE(loop().run(shake(network(), server_, client_, "other.example", seen)));
  EXPECT_EQ(seen, "other.example");
  const auto wrong = loop().run(shake(network(), server_, client_, "third.example", seen));
  EXPECT_EQ(wrong.error().code, EPROTO);
  EXPECT_NE(wrong.error().advice.find("hostname mismatch"), std::string::npos)
      << wrong.error().message();
}

TEST_F(TlsTest, VerifiesAnAddressThatIsTheDefaultCertificates) {
  auto server = *TlsContext::server({.certificates = {authority_.sign("127.0.0.1")}});
  auto client = *TlsContext::client({.roots_pem = authority_.root_pem()});
  std::string seen;
  EXPECT_TRUE(loop().run(shake(network(), server, client, "127.0.0.1", seen)));
  EXPECT_EQ(seen, "");
  EXPECT_FALSE(loop().run(shake(network(), server, client, "127.0.0.2", seen)));
}

TEST_F(TlsTest, TrustsOnlyItsRootsUnlessToldNotToVerify) {
  std::string seen;
  const test::Authority stranger;
  auto careful = *TlsContext::client({.roots_pem = stranger.root_pem()});
  const auto refused = loop().run(shake(network(), server_, careful, "localhost", seen));
  EXPECT_EQ(refused.error().code, EPROTO);
  auto careless = *TlsContext::client({.verify = Verify::kNo});
  EXPECT_TRUE(loop().run(shake(network(), server_, careless, "", seen)));
  auto system = *TlsContext::client({});
  EXPECT_FALSE(loop().run(shake(network(), server_, system, "localhost", seen)));
}

TEST_F(TlsTest, AVerifyingClientMustNameItsServer) {
  std::string seen;
  const auto unnamed = loop().run(shake(network(), server_, client_, "", seen));
  EXPECT_EQ(unnamed.error().code, EINVAL);
}

TEST_F(TlsTest, NoCommonProtocolFailsTheHandshake) {
  auto client = *TlsContext::client({.roots_pem = authority_.root_pem(), .alpn = {"spdy/9"}});
  std::string seen;
  const auto refused = loop().run(shake(network(), server_, client, "localhost", seen));
  EXPECT_EQ(refused.error().code, EPROTO);
}

TEST_F(TlsTest, ContextsRefuseWhatTheyCannotUse) {
  EXPECT_EQ(TlsContext::server({}).error().code, EINVAL);
  EXPECT_EQ(TlsContext::server({.certificates = {{.chain_pem = "x", .key_pem = "y"}}}).error().code,
            EINVAL);
  auto mixed = authority_.sign("a.example");
  mixed.key_pem = authority_.sign("b.example").key_pem;
  EXPECT_EQ(TlsContext::server({.certificates = {mixed}}).error().code, EINVAL);
  EXPECT_EQ(TlsContext::client({.roots_pem = "no certificate"}).error().code, EINVAL);
  EXPECT_EQ(TlsContext::client({.alpn = {std::string(256, 'a')}}).error().code, EINVAL);
}

TEST_F(TlsTest, AStreamBeforeItsHandshakeIsHandedOverAndAfterItIsNot) {
  loop().run([](Network& net, TlsContext& server, TlsContext& client) -> Task<> {
    auto listener = net.listen(Address::loopback(0), {.tls = &server});
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Listener& on, TlsContext& context) -> Task<> {
        auto accepted = co_await on.accept();
        auto handed = std::move(*accepted).hand_over();
        EXPECT_TRUE(handed);
        auto stream = on.network().adopt(*std::move(handed), &context);
        EXPECT_TRUE(stream);
        EXPECT_TRUE(co_await stream->handshake());
        const auto late = std::move(*stream).hand_over();
        EXPECT_EQ(late.error().code, EBUSY);
      }(**listener, server));
      auto stream =
          co_await net.connect(*(*listener)->local(), {.tls = &client, .server_name = "localhost"});
      EXPECT_TRUE(stream);
    });
  }(network(), server_, client_));
}

enum class Then { kFinish, kReset, kStall };

// Carries what the client says to the server, but only the first `most` bytes; then ends so.
Task<> carry(Stream& from, Stream& to, std::size_t most, Then then, std::size_t& carried) {
  Buffer buffer = from.buffer();
  while (carried < most) {
    const auto got = co_await from.read(buffer, most - carried);
    if (!got || *got == 0) co_return;
    carried += *got;
    if (auto sent = co_await to.write(buffer.bytes()); !sent) co_return;
    buffer.clear();
  }
  if (then == Then::kFinish) to.close();
  if (then == Then::kReset) to.abort();
}

Task<> carry_back(Stream& from, Stream& to) {
  Buffer buffer = from.buffer();
  for (;;) {
    const auto got = co_await from.read(buffer);
    if (!got || *got == 0) co_return;
    if (auto sent = co_await to.write(buffer.bytes()); !sent) co_return;
    buffer.clear();
  }
}

// What the server ends with when its client vanishes after `most` bytes of its flight; the number
// of bytes that were carried comes back in `carried`.
Task<int> cut_off(Network& net, TlsContext& server, TlsContext& client, std::size_t most, Then then,
                  std::size_t& carried) {
  auto listener = net.listen(Address::loopback(0), {.tls = &server});
  auto raw = net.pair();
  auto middle = co_await net.connect(*(*listener)->local());
  auto served = co_await (*listener)->accept();
  carried = 0;
  int ended = -1;
  co_await open_scope([&](Scope& scope) -> Task<> {
    scope.start(carry(raw->first, *middle, most, then, carried));
    scope.start(carry_back(*middle, raw->first));
    scope.start([](Stream stream, TlsContext& context) -> Task<> {
      if (!co_await stream.secure(context, "localhost")) co_return;
      [[maybe_unused]] const auto sent = co_await stream.write("hello");
      [[maybe_unused]] const auto finished = co_await stream.finish();
      Buffer buffer = stream.buffer();
      [[maybe_unused]] const auto got = co_await stream.read(buffer);
    }(std::move(raw->second), client));
    {
      const auto bound = co_await deadline(then == Then::kStall ? 3ms : 2s);
      const auto heard = co_await read_all(*served);
      ended = heard ? 0 : heard.error().code;
    }
    scope.cancel();
  });
  co_return ended;
}

TEST_F(TlsTest, AClientThatVanishesAtAnyByteEndsWithAnErrorAndLeavesNothing) {
  std::size_t whole = 0;
  EXPECT_EQ(loop().run(cut_off(network(), server_, client_, SIZE_MAX, Then::kFinish, whole)), 0);
  ASSERT_GT(whole, 300U);
  // The flight's length varies by some bytes with the signatures, so the last ones are left out.
  for (std::size_t most = 0; most + 16 < whole; ++most) {
    SCOPED_TRACE(most);
    std::size_t carried = 0;
    const auto run = [&](Then then) {
      return loop().run(cut_off(network(), server_, client_, most, then, carried));
    };
    EXPECT_EQ(run(Then::kFinish), EPROTO);
    EXPECT_EQ(carried, most);
    const int reset = run(Then::kReset);
    EXPECT_TRUE(reset == ECONNRESET || reset == EPIPE) << reset;  // while reading, while writing
    EXPECT_EQ(run(Then::kStall), ETIMEDOUT);
    ASSERT_EQ(loop().census(), Census{});
    ASSERT_EQ(network().streams(), 0U);
  }
}

}  // namespace
}  // namespace plumb::runtime
