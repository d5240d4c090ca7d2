// SPDX-License-Identifier: Apache-2.0
// Datagrams over UDP and unix sockets: boundaries, truncation, absence, descriptors refused.
#include "plumb/net/datagram.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "network_fixture.h"

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using DatagramTest = NetworkTest;

TEST_F(DatagramTest, KeepTheirBoundariesAndSayWhenTheyWereCut) {
  loop().run([](Loop& on) -> Task<> {
    auto server = Datagrams::bind(on, Address::loopback(0));
    EXPECT_TRUE(server);
    const auto at = (*server)->local();
    auto client = Datagrams::connect(on, *at);
    EXPECT_TRUE(client);
    EXPECT_TRUE(co_await (*client)->send(bytes_of("one")));
    EXPECT_TRUE(co_await (*client)->send(bytes_of("twotwo")));
    std::array<std::byte, 4> memory{};
    auto got = co_await (*server)->receive(memory);
    EXPECT_TRUE(got && text_of(got->bytes) == "one" && !got->truncated);
    EXPECT_EQ(got->from, *(*client)->local());
    EXPECT_TRUE(co_await (*server)->send(bytes_of("back"), got->from));
    got = co_await (*server)->receive(memory);
    EXPECT_TRUE(got && text_of(got->bytes) == "twot" && got->truncated);
    got = co_await (*client)->receive(memory);
    EXPECT_TRUE(got && text_of(got->bytes) == "back");
  }(loop()));
}

TEST_F(DatagramTest, AWaitEndsByDeadlineAndByClose) {
  loop().run([](Loop& on) -> Task<> {
    auto socket = Datagrams::bind(on, Address::loopback(0));
    std::array<std::byte, 4> memory{};
    {
      const auto bound = co_await deadline(1ms);
      const auto got = co_await (*socket)->receive(memory);
      EXPECT_EQ(got.error().code, ETIMEDOUT);
    }
    co_await open_scope([&](Scope& scope) -> Task<> {
      scope.start([](Datagrams& closing) -> Task<> {
        EXPECT_TRUE(co_await yield());
        closing.close();
      }(**socket));
      const auto got = co_await (*socket)->receive(memory);
      EXPECT_EQ(got.error().code, EBADF);
    });
  }(loop()));
}

TEST_F(DatagramTest, AnAbsentPeerIsReportedOnceAndTheSocketGoesOn) {
  loop().run([](Loop& on) -> Task<> {
    auto gone = Datagrams::bind(on, Address::loopback(0));
    const auto at = *(*gone)->local();
    auto client = Datagrams::connect(on, at);
    (*gone)->close();
    EXPECT_TRUE(co_await (*client)->send(bytes_of("anybody?")));
    std::array<std::byte, 8> memory{};
    const auto got = co_await (*client)->receive(memory);
    EXPECT_EQ(got.error().code, ECONNREFUSED);
    gone = Datagrams::bind(on, at);
    EXPECT_TRUE(gone);
    EXPECT_TRUE(co_await (*client)->send(bytes_of("again")));
    const auto heard = co_await (*gone)->receive(memory);
    EXPECT_TRUE(heard && text_of(heard->bytes) == "again");
  }(loop()));
}

TEST_F(DatagramTest, DescriptorsInAUnixDatagramAreRefused) {
  loop().run([](Loop& on) -> Task<> {
    const auto at = *Address::parse("unix:@plumb-datagram-test");
    auto server = Datagrams::bind(on, at);
    EXPECT_TRUE(server);
    auto sender = UniqueFd::socket(AF_UNIX, SOCK_DGRAM, 0);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    char text[] = "gift";
    iovec part{text, 4};
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(at.raw());
    message.msg_namelen = at.length();
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int gift = sender->get();
    std::memcpy(CMSG_DATA(header), &gift, sizeof gift);
    EXPECT_EQ(::sendmsg(sender->get(), &message, 0), 4);
    on.budget().sample();
    const auto before = on.budget().foreign();
    std::array<std::byte, 8> memory{};
    const auto got = co_await (*server)->receive(memory);
    EXPECT_TRUE(got && text_of(got->bytes) == "gift");
    EXPECT_EQ(got->from.path(), "");
    on.budget().sample();
    EXPECT_EQ(on.budget().foreign(), before);
  }(loop()));
}

TEST_F(DatagramTest, TheFileOfAUnixSocketGoesWithIt) {
  char folder[] = "/tmp/plumb-datagram-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/socket";
  {
    auto socket = Datagrams::bind(loop(), *Address::unix_path(path));
    ASSERT_TRUE(socket);
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  EXPECT_EQ(::rmdir(folder), 0);
}

}  // namespace
}  // namespace plumb::runtime
