// SPDX-License-Identifier: Apache-2.0
// Story: a machine as repeated looks show it, for tests of what is concluded from them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "detect/finding/explain.h"
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
    return detect::explain(facts, select(last, victims));
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
