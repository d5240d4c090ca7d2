// SPDX-License-Identifier: Apache-2.0
// What the capture tells of an exchange that the test has with itself, by either kind of hooks.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "detect/source/capture_source.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kRequest = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
constexpr std::string_view kBody = "0123456789";

class Capturing : public testing::TestWithParam<CaptureHooks> {
 protected:
  void SetUp() override {
    auto opened = open_capture(GetParam());
    ASSERT_TRUE(opened.ok()) << opened.error().message() << " (needs root)";
    capture_ = *std::move(opened);
    ASSERT_TRUE(capture_->follow(Pid{::getpid()}).ok());
  }

  // Both ends of a new connection: the client's, the server's.
  static std::pair<UniqueFd, UniqueFd> connection() {
    const UniqueFd listener = std::move(UniqueFd::socket(AF_INET, SOCK_STREAM, 0)).value();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
    UniqueFd client = std::move(UniqueFd::socket(AF_INET, SOCK_STREAM, 0)).value();
    EXPECT_EQ(::connect(client.get(), generic, size), 0);
    UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return {std::move(client), std::move(server)};
  }
  static void write_all(const UniqueFd& to, std::string_view text) {
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  static void read_all(const UniqueFd& from, std::size_t size) {
    std::array<char, 4096> bytes{};
    while (size > 0) {
      const ssize_t got = ::read(from.get(), bytes.data(), bytes.size());
      ASSERT_GT(got, 0);
      size -= std::min(size, static_cast<std::size_t>(got));
    }
  }

  // The pieces of these ends until `count` came, in the order of their times.
  std::vector<CapturePiece> pieces(std::size_t count) {
    std::vector<CapturePiece> found;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (found.size() < count && std::chrono::steady_clock::now() < deadline) {
      const auto heard =
          capture_->poll(50ms, [&](CapturePiece piece) { found.push_back(std::move(piece)); });
      EXPECT_TRUE(heard.ok());
    }
    std::ranges::stable_sort(found, {}, &CapturePiece::time);
    return found;
  }

  std::unique_ptr<CaptureSource> capture_;
};

TEST_P(Capturing, AnExchangeIsToldOfInItsOrder) {
  auto [client, server] = connection();
  write_all(client, kRequest);
  read_all(server, kRequest.size());
  const std::array<iovec, 2> parts{{{const_cast<char*>(kHead.data()), kHead.size()},
                                    {const_cast<char*>(kBody.data()), kBody.size()}}};
  ASSERT_EQ(::writev(server.get(), parts.data(), 2),
            static_cast<ssize_t>(kHead.size() + kBody.size()));
  read_all(client, kHead.size() + kBody.size());
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  char end = 0;
  ASSERT_EQ(::read(server.get(), &end, 1), 0);

  const auto found = pieces(6);
  ASSERT_EQ(found.size(), 6U);
  const std::string answer = std::string(kHead) + std::string(kBody);
  for (const std::size_t n : {0U, 1U}) {
    EXPECT_EQ(found[n].front, kRequest);
    EXPECT_EQ(found[n].fd, Fd{(n == 0 ? client : server).get()});
  }
  for (const std::size_t n : {2U, 3U}) {
    EXPECT_EQ(found[n].front, answer);
    EXPECT_EQ(found[n].total, answer.size());
  }
  for (const std::size_t n : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(found[n].what, CapturePiece::What::kData);
    EXPECT_EQ(found[n].sent, n % 2 == 0);
    EXPECT_FALSE(found[n].late);
    EXPECT_EQ(found[n].lost, 0U);
    EXPECT_EQ(found[n].pid, Pid{::getpid()});
    EXPECT_NE(found[n].remote.port, 0);
  }
  EXPECT_EQ(found[4].what, CapturePiece::What::kShut);
  EXPECT_EQ(found[5].what, CapturePiece::What::kPeerEnded);
  server.reset();
  client.reset();
  const auto closed = pieces(2);
  EXPECT_EQ(std::ranges::count(closed, CapturePiece::What::kClosed, &CapturePiece::what), 2);
}

TEST_P(Capturing, WhatSendfileMovesIsCounted) {
  const UniqueFd file = std::move(UniqueFd::open("/proc/self/exe", O_RDONLY)).value();
  auto [client, server] = connection();
  write_all(server, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
  off_t from = 0;
  ASSERT_EQ(::sendfile(server.get(), file.get(), &from, 3000), 3000);
  std::uint64_t sent = 0;
  for (const CapturePiece& piece : pieces(2)) {
    EXPECT_EQ(piece.lost, 0U);
    sent += piece.total;
  }
  EXPECT_EQ(sent, 3000U + 41U);
}

TEST_P(Capturing, WhatWasThereBeforeIsJoinedLate) {
  auto [client, server] = connection();
  write_all(client, "before");
  capture_.reset();
  SetUp();
  write_all(client, kRequest);
  const auto found = pieces(1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].late);
}

// More exchanges than are looked at; then one of the last of them stops in the middle.
TEST_P(Capturing, AStallOnAConnectionThatIsPassedOverIsHandedOutAndThenFollowed) {
  auto [client, server] = connection();
  const std::string answer = std::string(kHead) + std::string(kBody);
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (capture_->losses().passed_over < 4 && std::chrono::steady_clock::now() < deadline) {
    write_all(client, kRequest);
    read_all(server, kRequest.size());
    write_all(server, answer);
    read_all(client, answer.size());
    ASSERT_TRUE(capture_->poll(0ms, [](CapturePiece) {}).ok());
  }
  ASSERT_GE(capture_->losses().passed_over, 4U);
  constexpr std::string_view kStalls = "GET /stalls HTTP/1.1\r\nHost: h\r\n\r\n";
  write_all(client, kStalls);
  read_all(server, kStalls.size());
  write_all(server, kHead);
  read_all(client, kHead.size());

  std::vector<CapturePiece> found;
  while (found.empty() && std::chrono::steady_clock::now() < deadline) {
    capture_->take_passed_over(100ms,
                               [&](CapturePiece piece) { found.push_back(std::move(piece)); });
  }
  ASSERT_EQ(found.size(), 4U);  // question and answer, at either end
  for (const std::size_t n : {0U, 1U}) {
    EXPECT_TRUE(found[n].front.starts_with("GET /stalls "));
    EXPECT_EQ(found[n + 2].front, kHead);
    EXPECT_EQ(found[n + 2].total, kHead.size());
  }
  capture_->take_passed_over(0ms, [](const CapturePiece&) { ADD_FAILURE() << "handed out twice"; });

  ASSERT_TRUE(capture_->poll(0ms, [](CapturePiece) {}).ok());
  write_all(server, kBody);
  read_all(client, kBody.size());
  const auto rest = pieces(2);
  ASSERT_EQ(rest.size(), 2U);
  for (const CapturePiece& piece : rest) {
    EXPECT_EQ(piece.front, kBody);
    EXPECT_EQ(piece.lost, 0U);
  }
  EXPECT_EQ(capture_->lost_of(rest[0].socket), std::make_pair(std::uint64_t{0}, std::uint64_t{0}));
}

INSTANTIATE_TEST_SUITE_P(Hooks, Capturing,
                         testing::Values(CaptureHooks::kBest, CaptureHooks::kSystemCalls),
                         [](const auto& one) {
                           return std::string(one.param == CaptureHooks::kBest ? "Best"
                                                                               : "SystemCalls");
                         });

}  // namespace
}  // namespace plumb::detect
