// SPDX-License-Identifier: Apache-2.0
// Many connections that nobody uses: a note, and only where that is so.
#include <gtest/gtest.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A client with connections to a database, of which some were used at every look.
Explanation with_connections(int connections, int used) {
  const Story story([=](SurveyBuilder& machine, int look) {
    for (int c = 0; c < connections; ++c) {
      const auto port = static_cast<std::uint16_t>(40000 + c);
      const auto socket =
          machine.ip(SOCK_STREAM, SurveyBuilder::local(port), SurveyBuilder::at(10, 0, 0, 1, 5432),
                     SocketState::kEstablished);
      Socket& row = machine.survey.sockets[socket];
      row.receive_queue = row.send_queue = 0;
      const BootTime when = c < used ? BootTime(seconds(3600 + look)) : BootTime(minutes(50));
      row.last_sent = row.last_received = when;
    }
    machine.process(10, "api", 1, {"api"});
    for (int c = 0; c < connections; ++c) {
      machine.stands_for(4 + c, Kind::kTcp, static_cast<std::uint32_t>(c));
    }
  });
  return story.explain({*parse_selector("api")});
}

TEST(IdleConnections, AreANoteWithTheRoomThatIsLeft) {
  const Explanation found = with_connections(200, 0);
  const Finding* finding = find(found, id::kIdleConnections);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kInfo);
  EXPECT_EQ(finding->summary,
            "api(10) holds 200 connections to 10.0.0.1:5432, none of them used for 10m");
  EXPECT_TRUE(std::ranges::any_of(finding->evidence, [](const Evidence& row) {
    return row.value == "for 824 more descriptors, of 1,024";
  }));
  EXPECT_FALSE(found.anything_wrong());
}

TEST(IdleConnections, APoolAtWorkIsSilent) {
  EXPECT_EQ(find(with_connections(200, 60), id::kIdleConnections), nullptr);
}

TEST(IdleConnections, AFewAreSilent) {
  EXPECT_EQ(find(with_connections(20, 0), id::kIdleConnections), nullptr);
}

}  // namespace
}  // namespace plumb::detect
