// SPDX-License-Identifier: Apache-2.0
#include "detect/model/tables.h"

#include <gtest/gtest.h>

#include "detect/model/command.h"
#include "detect/model/namespaces.h"
#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

TEST(Tables, FindADescriptorInTheProcessesOwnTable) {
  SurveyBuilder b;
  b.process(10, "a");
  b.file(0, "/a");
  b.process(11, "b");
  b.file(0, "/b");
  b.file(7, "/c");
  b.file(7, "/lone-thread").table = Tid{13};
  const Tables tables(b.survey);
  EXPECT_EQ(tables.find(ProcessIndex{1}, Fd{7}), DescriptorIndex{2});
  EXPECT_EQ(tables.find(ProcessIndex{0}, Fd{7}), std::nullopt);
  EXPECT_EQ(tables.counts_of(ProcessIndex{1})[static_cast<std::size_t>(Kind::kFile)], 3u);
}

TEST(Tables, FindItBehindALoneThreadsTableToo) {
  SurveyBuilder b;
  b.process(10, "a");
  b.file(9, "/lone-thread").table = Tid{3};
  b.file(2, "/own");
  EXPECT_EQ(Tables(b.survey).find(ProcessIndex{0}, Fd{2}), DescriptorIndex{1});
}

TEST(Tables, UseIsUnknownWithoutALimit) {
  SurveyBuilder b;
  b.process(10, "a").descriptors = 512;
  b.process(11, "b").descriptor_limit.reset();
  const Tables tables(b.survey);
  EXPECT_EQ(tables.size_of(ProcessIndex{0}), 512u);
  EXPECT_EQ(tables.use_of(ProcessIndex{0}), 0.5);
  EXPECT_EQ(tables.use_of(ProcessIndex{1}), std::nullopt);
}

TEST(Ages, OfAConnectionAreFromItsData) {
  SurveyBuilder b;
  const auto s = b.ip(SOCK_STREAM, {}, {}, SocketState::kEstablished);
  b.survey.sockets[s].last_sent = BootTime(10min);
  b.survey.sockets[s].last_received = BootTime(50min);
  b.process(10, "a");
  b.stands_for(3, Kind::kTcp, s);
  b.file(4, "/x");
  EXPECT_EQ(age_at_least(b.survey, b.survey.descriptors[0]), 50min);
  EXPECT_EQ(idle_of(b.survey, b.survey.descriptors[0]), 10min);
  EXPECT_EQ(age_at_least(b.survey, b.survey.descriptors[1]), std::nullopt);
  EXPECT_EQ(age_of(b.survey, b.survey.processes[0]), 1h - 10s);
}

TEST(Commands, AreOneLineWithoutThePath) {
  SurveyBuilder b;
  const Process full = b.process(10, "python3", 1, {"/usr/bin/python3", "-m", "http.server"});
  const Process title = b.process(11, "postgres", 1, {"postgres: walwriter "});
  const Process login = b.process(12, "bash", 1, {"-bash"});
  const Process kernel = b.process(13, "kworker/0:1");
  EXPECT_EQ(command_of(b.survey, full), "python3 -m http.server");
  EXPECT_EQ(program_of(b.survey, full), "python3");
  EXPECT_EQ(command_of(b.survey, title), "postgres: walwriter ");
  EXPECT_EQ(program_of(b.survey, title), "postgres");
  EXPECT_EQ(program_of(b.survey, login), "bash");
  EXPECT_EQ(command_of(b.survey, kernel), "[kworker/0:1]");
  EXPECT_EQ(program_of(b.survey, kernel), "");
}

TEST(NamespacesOf, AProcessElsewhereAreNamed) {
  SurveyBuilder b;
  b.process(1, "init").namespaces = {1, 2, 3, 4};
  b.process(10, "here").namespaces = {1, 2, 3, 4};
  b.process(11, "there").namespaces = {9, 2, 8, 0};
  const Namespaces home = home_namespaces(b.survey);
  EXPECT_EQ(foreign_namespaces(home, b.survey.processes[1]), "");
  EXPECT_EQ(foreign_namespaces(home, b.survey.processes[2]), "pid,net");
}

}  // namespace
}  // namespace plumb::detect
