// SPDX-License-Identifier: Apache-2.0
// What the survey tells about sockets of the running kernel, against what the test did to them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "survey_fixture.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

class Sockets : public SurveyTest {
 protected:
  static UniqueFd open(int family, int type) {
    return std::move(UniqueFd::socket(family, type, 0)).value();
  }
  static std::pair<UniqueFd, UniqueFd> pair(int type) {
    return std::move(UniqueFd::socket_pair(AF_UNIX, type)).value();
  }
  static void send(const UniqueFd& to, std::size_t bytes) {
    const std::string text(bytes, 'x');
    ASSERT_EQ(::send(to.get(), text.data(), bytes, 0), static_cast<ssize_t>(bytes));
  }
  // An abstract name of our own.
  static std::pair<sockaddr_un, socklen_t> abstract(std::string_view what) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = std::string(what) + std::to_string(::getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())};
  }
  static sockaddr_in loopback(const UniqueFd& socket) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return address;
  }
  static void connect(const UniqueFd& client, const sockaddr_in& to) {
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
};
// What is so with this source alone.
class SocketsOfBpf : public Sockets {};

TEST_P(Sockets, UnixPairsKnowEachOther) {
  const auto ends = pair(SOCK_STREAM);
  const Survey survey = take();
  const Socket* first = socket(survey, ends.first.get());
  const Socket* second = socket(survey, ends.second.get());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->peer, second->id);
  EXPECT_EQ(second->peer, first->id);
  EXPECT_EQ(first->state, SocketState::kEstablished);
  EXPECT_EQ(first->type, SOCK_STREAM);
  EXPECT_FALSE(first->peer_in_queue);
}

TEST_P(Sockets, UnixUnreadBytesAreCounted) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const auto ends = pair(type);
    for (const std::size_t bytes : {100u, 20u, 3u}) send(ends.first, bytes);
    char byte = 0;
    // A stream keeps the rest of a message that was read in part; a packet is gone whole.
    ASSERT_EQ(::recv(ends.second.get(), &byte, 1, 0), 1);
    int kernels = 0;
    ASSERT_EQ(::ioctl(ends.second.get(), FIONREAD, &kernels), 0);
    const Survey survey = take();
    const Socket* reader = socket(survey, ends.second.get());
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->receive_queue, static_cast<std::uint32_t>(kernels)) << type;
  }
  // Datagrams: the next one's bytes, as the kernel counts.
  const auto ends = pair(SOCK_DGRAM);
  send(ends.first, 50);
  send(ends.first, 60);
  const Survey survey = take();
  EXPECT_EQ(socket(survey, ends.second.get())->receive_queue, 50u);
}

TEST_P(SocketsOfBpf, UnixPacketsBeyondTheCountAreUnknown) {
  const auto ends = pair(SOCK_SEQPACKET);
  for (int i = 0; i < 40; ++i) send(ends.first, 1);
  const Survey survey = take();
  EXPECT_EQ(socket(survey, ends.second.get())->receive_queue, std::nullopt);
}

TEST_P(Sockets, UnixPeerThatWaitsForAcceptHasItsListener) {
  const auto listener = open(AF_UNIX, SOCK_STREAM);
  const auto [address, size] = abstract("plumb-test-");
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 7), 0);
  const auto accepted_client = open(AF_UNIX, SOCK_STREAM);
  ASSERT_EQ(::connect(accepted_client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto client = open(AF_UNIX, SOCK_STREAM);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);

  const Survey survey = take();
  const Socket* waiting = socket(survey, client.get());
  const Socket* open_door = socket(survey, listener.get());
  ASSERT_TRUE(waiting && open_door);
  EXPECT_TRUE(waiting->peer_in_queue);
  EXPECT_EQ(waiting->listener, open_door->id);
  EXPECT_EQ(open_door->state, SocketState::kListen);
  EXPECT_EQ(open_door->accept_queue, 1u);
  EXPECT_EQ(open_door->backlog, 7u);
  const std::string_view path = survey.texts.at(open_door->path);
  EXPECT_EQ(path, std::string_view(address.sun_path, size - offsetof(sockaddr_un, sun_path)));
  // An accepted one shares the name and is no listener.
  const Socket* served = socket(survey, accepted.get());
  ASSERT_TRUE(served);
  EXPECT_EQ(survey.texts.at(served->path), path);
  EXPECT_EQ(served->peer, socket(survey, accepted_client.get())->id);
  EXPECT_FALSE(socket(survey, accepted_client.get())->peer_in_queue);
}

TEST_P(Sockets, UnixPeerThatClosedIsNoPeer) {
  auto ends = pair(SOCK_STREAM);
  ends.second.reset();
  const Survey survey = take();
  const Socket* left = socket(survey, ends.first.get());
  ASSERT_TRUE(left);
  EXPECT_EQ(left->peer, std::nullopt);
  EXPECT_TRUE(left->shut_receive);
  EXPECT_TRUE(left->shut_send);
}

TEST_P(Sockets, UnixDatagramsToABoundSocket) {
  const auto server = open(AF_UNIX, SOCK_DGRAM);
  const auto [address, size] = abstract("plumb-dgram-");
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  const auto client = open(AF_UNIX, SOCK_DGRAM);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  const Survey survey = take();
  EXPECT_EQ(socket(survey, client.get())->peer, socket(survey, server.get())->id);
  EXPECT_EQ(socket(survey, server.get())->peer, std::nullopt);
}

TEST_P(Sockets, TcpHasItsEndsQueuesAndTimes) {
  const auto listener = open(AF_INET, SOCK_STREAM);
  const sockaddr_in address = loopback(listener);
  ASSERT_EQ(::listen(listener.get(), 9), 0);
  const auto client = open(AF_INET, SOCK_STREAM);
  connect(client, address);
  const UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto waiting = open(AF_INET, SOCK_STREAM);
  connect(waiting, address);
  const BootTime before = BootClock::now();
  send(client, 1234);
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);

  const Survey survey = take();
  const Socket* from = socket(survey, client.get());
  const Socket* to = socket(survey, server.get());
  const Socket* door = socket(survey, listener.get());
  ASSERT_TRUE(from && to && door);
  EXPECT_EQ(from->remote.port, ::ntohs(address.sin_port));
  EXPECT_EQ(from->local, to->remote);
  EXPECT_EQ(from->remote, to->local);
  EXPECT_EQ(to->local.address[0], 127);
  EXPECT_EQ(to->local.address[3], 1);
  EXPECT_EQ(to->receive_queue, 1235u);  // with the FIN, as sock_diag counts
  EXPECT_EQ(to->state, SocketState::kCloseWait);
  EXPECT_TRUE(to->shut_receive);
  EXPECT_FALSE(to->shut_send);
  // The acknowledgement may still be on its way.
  EXPECT_TRUE(from->state == SocketState::kFinWait1 || from->state == SocketState::kFinWait2);
  EXPECT_TRUE(from->shut_send);
  ASSERT_TRUE(from->last_sent);
  ASSERT_TRUE(to->last_received);
  constexpr auto kSlack = 50ms;  // a few jiffies
  EXPECT_GE(*from->last_sent, before - kSlack);
  EXPECT_LE(*from->last_sent, BootClock::now());
  EXPECT_GE(*to->last_received, before - kSlack);
  EXPECT_EQ(to->last_sent, std::nullopt);
  EXPECT_EQ(door->state, SocketState::kListen);
  EXPECT_EQ(door->accept_queue, 1u);
  EXPECT_EQ(door->backlog, 9u);
}

TEST_P(Sockets, Ipv6AndUdp) {
  const auto listener = open(AF_INET6, SOCK_DGRAM);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto client = open(AF_INET6, SOCK_DGRAM);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  send(client, 10);
  const Survey survey = take();
  const Socket* from = socket(survey, client.get());
  const Socket* to = socket(survey, listener.get());
  ASSERT_TRUE(from && to);
  EXPECT_TRUE(from->ipv6);
  EXPECT_EQ(from->remote, to->local);
  EXPECT_EQ(to->local.address[15], 1);
  EXPECT_GT(to->receive_queue.value_or(0), 0u);
  EXPECT_EQ(from->state, SocketState::kEstablished);
  EXPECT_EQ(to->state, SocketState::kClose);
  // Read, nothing is left of it.
  char bytes[16];
  ASSERT_EQ(::recv(listener.get(), bytes, sizeof bytes, 0), 10);
  EXPECT_EQ(socket(take(), listener.get())->receive_queue, 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, Sockets,
                         testing::Values(Survey::Source::kBpf, Survey::Source::kProc),
                         name_of_source);
INSTANTIATE_TEST_SUITE_P(Alone, SocketsOfBpf, testing::Values(Survey::Source::kBpf),
                         name_of_source);

}  // namespace
}  // namespace plumb::detect
