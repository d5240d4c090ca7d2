// SPDX-License-Identifier: Apache-2.0
// What births are tied to, in words; and what came of running a stuck child again.
#include "detect/finding/lifted.h"

#include <gtest/gtest.h>

#include "detect/finding/kinds.h"
#include "tests/unit/finding/story.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

const BootTime kBegan(std::chrono::hours(1) - 40s);

// The evidence of births that come half a second after every other mark's run.
std::vector<Evidence> tied(const std::string& name, std::chrono::nanoseconds delay) {
  std::vector<Mark> marks;
  std::vector<BootTime> births;
  for (int run = 0; run < 8; ++run) {
    const BootTime begin = kBegan + 2s + run * 6s;
    marks.push_back({begin, Mark::Source::kScript, Mark::What::kStart, name, {}});
    births.push_back(begin + delay);
  }
  Finding finding;
  explain_with(Story([](SurveyBuilder&, int) {}), [&](Facts& facts) {
    facts.marks = marks;
    add_lifts(facts, births, kBegan, finding);
  });
  return finding.evidence;
}

TEST(Lifted, TellsTheJobAndTheChance) {
  const auto evidence = tied("images", 500ms);
  ASSERT_EQ(evidence.size(), 1U);
  EXPECT_EQ(evidence[0].what, "tied to");
  EXPECT_TRUE(evidence[0].value.starts_with(
      "+1 within 2s after each of 8 runs of mark images; by chance 1 in "))
      << evidence[0].value;
}

TEST(Lifted, SaysNothingOfWhatComesAtAnyTime) {
  EXPECT_TRUE(tied("images", 5s).empty());
}

TEST(Lifted, MasksSecretsAndKeepsNamesShort) {
  const auto evidence = tied("sync --token=hush " + std::string(200, 'x'), 100ms);
  ASSERT_EQ(evidence.size(), 1U);
  EXPECT_EQ(evidence[0].value.find("hush"), std::string::npos) << evidence[0].value;
  EXPECT_LT(evidence[0].value.size(), 200U);
}

// An editor that starts a child at every look, which never ends.
Explanation with_rerun(const Rerun& rerun) {
  const Story story([](SurveyBuilder& machine, int look) {
    machine.process(8, "editor", 1, {"editor"});
    for (int child = 0; child < 4 + look; ++child) {
      machine.process(100 + child, "curl", 8, {"curl", "http://x/"});
      machine.thread(0);  // read
    }
  });
  return explain_with(story, [&](Facts& facts) { facts.rerun = &rerun; });
}

std::string run_again(const Explanation& explanation) {
  const Finding* finding = find(explanation, id::kStuckChildren);
  if (finding == nullptr) return "no finding";
  for (const Evidence& row : finding->evidence) {
    if (row.what == "run again") return row.value;
  }
  return {};
}

TEST(Rerun, TellsWhetherItEnded) {
  const ProcessKey editor{Pid{8}, Ticks(800)};
  EXPECT_EQ(run_again(with_rerun({{}, editor, Pid{999}, 8s, std::nullopt})),
            "it did not end in 8s either");
  EXPECT_EQ(run_again(with_rerun({{}, editor, Pid{999}, 300ms, 7 << 8})),
            "it ended after 300ms, with status 7");
  EXPECT_EQ(run_again(with_rerun({{}, {Pid{9}, Ticks(900)}, Pid{999}, 8s, std::nullopt})), "");
}

}  // namespace
}  // namespace plumb::detect
