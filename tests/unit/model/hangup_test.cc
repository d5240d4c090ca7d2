// SPDX-License-Identifier: Apache-2.0
#include "detect/model/hangup.h"

#include <gtest/gtest.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

// An editor with two children at a proxy, one of them quiet for a minute; the proxy itself is a
// quiet client of an origin.
class QuietConnections : public testing::Test {
 protected:
  QuietConnections() {
    const auto listener = b.ip(SOCK_STREAM, SurveyBuilder::local(8118), {}, SocketState::kListen);
    const auto old_side = connection(8118, 40001);
    const auto new_side = connection(8118, 40002);
    const auto to_origin = connection(40003, 80);
    b.process(5, "proxy");
    b.stands_for(3, Kind::kTcp, listener);
    b.stands_for(4, Kind::kTcp, old_side);
    b.stands_for(5, Kind::kTcp, new_side);
    b.stands_for(6, Kind::kTcp, to_origin);
    quiet(old_side, 60s);
    quiet(new_side, 1s);
    quiet(to_origin, 60s);
    const auto old_client = connection(40001, 8118);
    const auto new_client = connection(40002, 8118);
    quiet(old_client, 60s);
    quiet(new_client, 1s);
    b.process(8, "editor");
    b.process(10, "curl", 8);
    b.stands_for(5, Kind::kTcp, old_client);
    b.process(11, "curl", 8);
    b.stands_for(5, Kind::kTcp, new_client);
    const auto door = b.ip(SOCK_STREAM, SurveyBuilder::local(80), {}, SocketState::kListen);
    const auto served = connection(80, 40003);
    quiet(served, 60s);
    b.process(20, "origin");
    b.stands_for(3, Kind::kTcp, door);
    b.stands_for(4, Kind::kTcp, served);
  }

  std::uint32_t connection(std::uint16_t here, std::uint16_t there) {
    return b.ip(SOCK_STREAM, SurveyBuilder::local(here), SurveyBuilder::local(there),
                SocketState::kEstablished);
  }
  void quiet(std::uint32_t socket, std::chrono::nanoseconds time) {
    b.survey.sockets[socket].last_received = b.survey.taken - time;
    b.survey.sockets[socket].last_sent = b.survey.taken - time - 1s;
  }

  // (pid, fd) of each.
  std::vector<std::pair<int, int>> chosen(std::string_view peer, std::optional<int> pid,
                                          std::chrono::nanoseconds older = 30s) {
    const Joined joined(b.survey);
    std::vector<bool> own(b.survey.processes.size(), !pid);
    if (pid) own = with_children(b.survey, {*find_process(b.survey, Pid{*pid})});
    std::vector<std::pair<int, int>> found;
    for (const auto row : quiet_connections(joined, own, *parse_selector(peer), older)) {
      found.emplace_back(number(joined.holder(row).key.pid), number(joined.row(row).fd));
    }
    return found;
  }
  using Rows = std::vector<std::pair<int, int>>;

  SurveyBuilder b;
};

TEST_F(QuietConnections, ThoseOfTheChildrenToTheProxyThatAreQuiet) {
  EXPECT_EQ(chosen("proxy", 8), (Rows{{10, 5}}));
  EXPECT_EQ(chosen("5", 8), (Rows{{10, 5}}));
}

TEST_F(QuietConnections, ByThePortThatTheyLeadTo) {
  EXPECT_EQ(chosen(":8118", 8), (Rows{{10, 5}}));
  EXPECT_EQ(chosen(":80", 8), Rows{});
}

TEST_F(QuietConnections, OfEverybodyWithoutAProcessButNeverTheServersSide) {
  EXPECT_EQ(chosen("proxy", std::nullopt), (Rows{{10, 5}}));
  EXPECT_EQ(chosen("origin", std::nullopt), (Rows{{5, 6}}));
  EXPECT_EQ(chosen(":8118", std::nullopt), (Rows{{10, 5}}));
}

TEST_F(QuietConnections, NotTheOnesThatSpokeLately) {
  EXPECT_EQ(chosen("proxy", 8, 500ms), (Rows{{10, 5}, {11, 5}}));
  EXPECT_EQ(chosen("proxy", 8, 90s), Rows{});
}

TEST_F(QuietConnections, NotTheOnesWhoseAgeIsUnknown) {
  for (Socket& socket : b.survey.sockets) socket.last_received = socket.last_sent = std::nullopt;
  EXPECT_EQ(chosen("proxy", 8, 1s), Rows{});
}

TEST_F(QuietConnections, OfOneProcessAlone) {
  EXPECT_EQ(chosen("proxy", 11, 500ms), (Rows{{11, 5}}));
}

// A worker that waits for its master on a socket pair, and a child that asks a daemon by its name.
class QuietUnixSockets : public testing::Test {
 protected:
  struct Look {
    std::uint64_t master_sleeps = 7;
    std::uint64_t worker_sleeps = 3;
    std::uint32_t unread = 0;
  };

  static void draw(SurveyBuilder& b, const Look& look) {
    const auto pair = b.socket_pair();
    b.survey.sockets[pair].receive_queue = look.unread;
    const auto served = b.socket_pair();
    b.survey.sockets[served].path = b.survey.texts.add("/run/daemon");
    process(b, 8, "master", look.master_sleeps);
    b.stands_for(4, Kind::kUnix, pair);
    process(b, 9, "worker", look.worker_sleeps);
    b.stands_for(5, Kind::kUnix, pair + 1);
    process(b, 20, "daemon", 1);
    b.stands_for(6, Kind::kUnix, served);
    process(b, 21, "client", 1);
    b.stands_for(7, Kind::kUnix, served + 1);
  }
  static void process(SurveyBuilder& b, int pid, std::string_view name, std::uint64_t sleeps) {
    Process& made = b.process(pid, name);
    made.sleeps = sleeps;
    made.thread_count = 1;
  }

  // How many are chosen that lead to the peer.
  static std::size_t chosen(std::string_view peer, const Look& then, const Look& now) {
    SurveyBuilder first;
    SurveyBuilder second;
    draw(first, then);
    draw(second, now);
    const Joined before(first.survey);
    const Joined after(second.survey);
    const std::vector<bool> own(second.survey.processes.size(), true);
    return unmoved(before, after, unix_connections(after, own, *parse_selector(peer))).size();
  }
};

TEST_F(QuietUnixSockets, WhereOneSideHasSleptAllTheTime) {
  EXPECT_EQ(chosen("master", {}, {}), 1u);
  EXPECT_EQ(chosen("master", {}, {.master_sleeps = 8}), 1u) << "the worker has slept";
  EXPECT_EQ(chosen("master", {}, {.master_sleeps = 8, .worker_sleeps = 4}), 0u);
}

TEST_F(QuietUnixSockets, NotWhereBytesHaveCome) {
  EXPECT_EQ(chosen("worker", {}, {.unread = 12}), 0u);
}

TEST_F(QuietUnixSockets, NeverTheServersSide) {
  EXPECT_EQ(chosen("daemon", {}, {}), 1u) << "the client's";
  EXPECT_EQ(chosen("client", {}, {}), 0u) << "the daemon's";
  EXPECT_EQ(chosen(":80", {}, {}), 0u);
}

}  // namespace
}  // namespace plumb::detect
