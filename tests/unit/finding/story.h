// SPDX-License-Identifier: Apache-2.0
// Story: a machine as repeated looks show it, for tests of what is concluded from them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/finding/explain.h"
#include "detect/finding/recorded_facts.h"
#include "tests/support/survey_builder.h"

namespace plumb::detect {

class Story {
 public:
  // `draw` builds the machine at look number n, of `looks`, a second apart.
  explicit Story(const std::function<void(SurveyBuilder&, int)>& draw, int looks = 20) {
    for (int n = 0; n < looks; ++n) {
      auto look = std::make_unique<SurveyBuilder>();
      look->survey.taken = BootTime(std::chrono::hours(1) + std::chrono::seconds(n));
      draw(*look, n);
      looks_.push_back(std::move(look));
      joined_.push_back(std::make_unique<Joined>(looks_.back()->survey));
      observation_.add(*joined_.back());
    }
  }

  // `complete` adds what no survey shows.
  Explanation explain(const std::vector<Selector>& victims = {}, Pid self = {},
                      const ExchangeFacts* http = nullptr,
                      std::span<const GoHttpFacts> go_http = {},
                      const std::function<void(Facts&)>& complete = {}) const {
    const Survey& last = looks_.back()->survey;
    const auto tree = grow_tree(last, select(last, {}));
    Facts facts{.first = *joined_.front(),
                .now = *joined_.back(),
                .tree = tree,
                .observation = observation_,
                .http = http,
                .go_http = go_http,
                .self = self};
    if (complete) complete(facts);
    Explanation explanation = detect::explain(facts, select(last, victims));
    expect_the_same_from_a_recording(facts, victims, explanation);
    return explanation;
  }

  // What is recorded of the facts leads to the same findings, whatever a test is about.
  static void expect_the_same_from_a_recording(const Facts& facts,
                                               const std::vector<Selector>& victims,
                                               const Explanation& explanation) {
    ObservedBy by{.self = facts.self, .ephemeral = facts.ephemeral};
    for (const Selector& victim : victims) by.victims.push_back(victim.text);
    const FactSet set = facts_to_rows(facts, by, Secrets::kMask).take_facts();
    const auto recorded = RecordedFacts::read(set);
    ASSERT_NE(recorded, nullptr);
    EXPECT_EQ(recorded->senseless(), 0U);
    const Explanation again = recorded->explain(facts.trace);
    EXPECT_EQ(text_of(explanation), text_of(again));
  }

  static std::string text_of(const Explanation& explanation) {
    std::string text;
    for (const Finding& finding : explanation.findings) {
      text.append(finding.id).append(" ").append(finding.subject.name).append(": ");
      text.append(finding.summary).append("\n");
      for (const Evidence& row : finding.evidence) {
        text.append("  ").append(row.what).append(": ").append(row.value).append("\n");
      }
      for (const Frame& frame : finding.stack) text.append("  at ").append(frame.function) += '\n';
      for (const FindingIndex cause : finding.causes) {
        text.append("  because ").append(std::to_string(number(cause))) += '\n';
      }
      text.append("  ").append(finding.whose_move).append(": ").append(finding.remedy) += '\n';
      text.append("  ").append(std::to_string(finding.series.size())) += '\n';
    }
    return text;
  }

 private:
  std::vector<std::unique_ptr<SurveyBuilder>> looks_;
  std::vector<std::unique_ptr<Joined>> joined_;
  Observation observation_;
};

inline Explanation explain_with(const Story& story, const std::function<void(Facts&)>& complete) {
  return story.explain({}, {}, nullptr, {}, complete);
}

inline const Finding* find(const Explanation& explanation, std::string_view id) {
  for (const Finding& finding : explanation.findings) {
    if (finding.id == id) return &finding;
  }
  return nullptr;
}

}  // namespace plumb::detect
