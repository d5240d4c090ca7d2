// SPDX-License-Identifier: Apache-2.0
// Facts of explanations in a recording: what cannot be read costs itself alone, and no secret is
// kept. That equal findings come of them every story of these tests says (story.h).
#include "detect/finding/recorded_facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "detect/model/tree.h"

namespace plumb::detect {
namespace {

constexpr BootTime kTaken{std::chrono::hours(1)};

Survey crowd() {
  Survey survey;
  survey.taken = kTaken;
  for (int pid = 10; pid < 20; ++pid) {
    Process process;
    process.key = {Pid{pid}, Ticks(pid)};
    process.parent = Pid{pid - 1};
    process.name = survey.texts.add(pid == 12 ? "na\xffme" : "server");
    process.first_thread = static_cast<std::uint32_t>(survey.threads.size());
    process.listed_threads = 1;
    Thread thread;
    thread.tid = Tid{pid};
    thread.waits_in = BlockingCall{0, {3, 0, 0, 0, 0, 0}};
    survey.threads.push_back(thread);
    for (int fd = 0; fd < 4; ++fd) {
      Descriptor row;
      row.process = ProcessIndex{static_cast<std::uint32_t>(survey.processes.size())};
      row.fd = Fd{fd};
      row.kind = fd == 3 ? Kind::kEpoll : Kind::kFile;
      row.file = FileId{0xffff888000000000U};
      if (fd == 3) {
        row.detail = DetailIndex{static_cast<std::uint32_t>(survey.details.size())};
        survey.details.emplace_back(EpollDetail{{{Fd{1}, 1, 2, 3}}});
      }
      survey.descriptors.push_back(row);
    }
    survey.processes.push_back(process);
  }
  return survey;
}

FactSet facts_of(const Survey& survey, std::uint8_t look = kLastLook) {
  FactList list;
  add_survey(survey, look, list);
  return list.take_facts();
}

TEST(RecordedFacts, ASurveyIsReadAsItWas) {
  const Survey survey = crowd();
  const FactSet facts = facts_of(survey);
  FactSource source(facts);
  const Survey read = read_survey(source, kLastLook);
  EXPECT_EQ(source.senseless(), 0U);
  EXPECT_EQ(read.taken, kTaken);
  ASSERT_EQ(read.processes.size(), 10U);
  EXPECT_EQ(read.texts.at(read.processes[2].name), "na\xffme");
  ASSERT_EQ(read.threads.size(), 10U);
  ASSERT_TRUE(read.threads[4].waits_in.has_value());
  EXPECT_EQ(read.threads[4].waits_in->number, 0) << "read(2) is call number 0";
  EXPECT_EQ(read.threads[4].waits_in->args[0], 3U);
  ASSERT_EQ(read.descriptors.size(), 40U);
  const Descriptor& epoll = read.descriptors[7];
  EXPECT_EQ(epoll.file, FileId{0xffff888000000000U});
  const auto* detail = std::get_if<EpollDetail>(read.detail_of(epoll));
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->watches.at(0).inode, 3U);
}

TEST(RecordedFacts, WhatBothLooksTellStandsOnce) {
  FactList list;
  Survey survey = crowd();
  add_survey(survey, kLastLook, list);
  list.begin_first();
  survey.descriptors.pop_back();
  add_survey(survey, kFirstLook, list);
  const FactSet facts = list.take_facts();
  EXPECT_EQ(facts.descriptors.size(), 40U);
  EXPECT_EQ(std::ranges::count(facts.rows, std::string("process"), &FactRow::record), 10);
  FactSource source(facts);
  EXPECT_EQ(read_survey(source, kFirstLook).descriptors.size(), 39U);
  EXPECT_EQ(read_survey(source, kLastLook).descriptors.size(), 40U);
}

TEST(RecordedFacts, ARowThatIsGoneCostsItselfAlone) {
  FactSet facts = facts_of(crowd());
  std::erase_if(facts.rows, [](const FactRow& row) {
    return row.json.find("\"pid\":13,\"start\"") != std::string::npos;
  });
  FactSource source(facts);
  const Survey read = read_survey(source, kLastLook);
  EXPECT_EQ(read.processes.size(), 9U);
  EXPECT_EQ(read.descriptors.size(), 36U);
  EXPECT_EQ(source.senseless(), 6U) << "of nobody: a thread, four descriptors, an epoll's watches";
  EXPECT_EQ(number(read.process_of(read.descriptors[20]).key.pid), 16);
}

TEST(RecordedFacts, WhatIsNoneOfItsTypeIsLeftOut) {
  for (const char* json :
       {"", "[]", "{\"pid\":", "{\"pid\":\"x\"}", "{\"pid\":99999999999}",
        "{\"pid\":10,\"state\":\"SS\"}", "{\"pid\":10,\"name\":{\"bytes\":\"0\"}}",
        "{\"pid\":10,\"waits_in\":[]}"}) {
    FactSet facts = facts_of(crowd());
    facts.rows.push_back({"thread", 1000, kLastLook, json});
    FactSource source(facts);
    EXPECT_EQ(read_survey(source, kLastLook).threads.size(), 10U) << json;
    EXPECT_EQ(source.senseless(), 1U) << json;
  }
}

TEST(RecordedFacts, SecretsOfCommandLinesAreMaskedAndTheirProgramIsNot) {
  Survey survey = crowd();
  const std::string line("/usr/bin/curl\0--token\0abc\0https://me:pass@host/", 47);
  survey.processes[0].command_line = survey.texts.add(line);
  mask_secrets(survey);
  const std::string_view masked = survey.texts.at(survey.processes[0].command_line);
  EXPECT_EQ(masked.find("abc"), std::string_view::npos) << masked;
  EXPECT_EQ(masked.find("me:pass"), std::string_view::npos) << masked;
  EXPECT_TRUE(masked.starts_with(std::string_view("/usr/bin/curl\0", 14)));
}

// Whatever stands in the rows: an answer, and findings from what is left.
TEST(RecordedFacts, AnyDamageIsAnAnswer) {
  Observation observation;
  const Survey survey = crowd();
  const Joined joined(survey);
  for (int i = 0; i < 20; ++i) observation.add(joined);
  const auto tree = grow_tree(survey, select(survey, {}));
  const Facts facts{.first = joined, .now = joined, .tree = tree, .observation = observation};
  const FactSet whole = facts_to_rows(facts, {}, Secrets::kMask).take_facts();
  std::mt19937 random(20240501);
  std::size_t readable = 0;
  for (int turn = 0; turn < 200; ++turn) {
    FactSet damaged = whole;
    for (unsigned hits = 1 + random() % 64; hits > 0; --hits) {
      std::string& json = damaged.rows[random() % damaged.rows.size()].json;
      json[random() % json.size()] = "0123456789-{}[]\":,x"[random() % 19];
    }
    DescriptorFact& row = damaged.descriptors[random() % damaged.descriptors.size()];
    row.pid = Pid{static_cast<int>(random() % 30)};
    row.row.fd = Fd{static_cast<int>(random() % 5)};
    row.socket = SocketId{random() % 3};
    const auto recorded = RecordedFacts::read(damaged);
    if (recorded == nullptr) continue;
    ++readable;
    (void)recorded->explain(nullptr);
  }
  EXPECT_GT(readable, 100U);
}

}  // namespace
}  // namespace plumb::detect
