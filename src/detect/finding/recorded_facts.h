// SPDX-License-Identifier: Apache-2.0
// RecordedFacts: all that findings are concluded from, into the rows of a recording and out of them
// again. From equal facts come equal findings, so that an explanation can be made elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/finding/explain.h"
#include "detect/finding/facts.h"
#include "detect/model/secrets.h"
#include "detect/record/fact_list.h"

namespace plumb::detect {

// What is said of an observation beside its facts.
struct ObservedBy {
  Pid self{};  // plumb itself, of which nothing is said
  PortRange ephemeral{};
  std::vector<std::string> victims{};       // the selectors; empty: the whole machine
  std::uint64_t traced = 0;                 // processes whose stacks were taken
  std::vector<std::string> missing{};       // what could not be seen, and what would help
  std::vector<std::string> missing_more{};  // the same, for who wants everything
};

// Masks what is secret in command lines, which the findings print and the recording keeps.
void mask_secrets(Survey& survey);

// All but the trace, which has tables of its own. Heads of HTTP are masked.
FactList facts_to_rows(const Facts& facts, const ObservedBy& by, Secrets secrets);

class RecordedFacts {
 public:
  // Null where they tell of no observation. Takes nothing for granted: what makes no sense is
  // left out and counted.
  static std::unique_ptr<RecordedFacts> read(const FactSet& facts);

  // `trace` may be null. They refer to this object and to the trace.
  Facts facts(const TraceFacts* trace) const;
  Explanation explain(const TraceFacts* trace) const;
  const ObservedBy& by() const { return by_; }
  const Observation& observation() const { return observation_; }
  std::uint64_t senseless() const { return senseless_; }

 private:
  struct Requests {
    Pid process{};
    GoHttpLeaks leaks;
    StackStore stacks;
  };
  struct Goroutines {
    Pid process{};
    GoroutineSeries series;
  };

  RecordedFacts(Survey first, Survey now);
  void read_observation(FactSource& source);
  void read_exchanges(FactSource& source);
  Requests& requests_of(Pid process);
  void read_requests(FactSource& source);
  void read_goroutines(FactSource& source);

  ObservedBy by_;
  Survey first_survey_;
  Survey now_survey_;
  Joined first_;
  Joined now_;
  std::vector<TreeNode> tree_;
  Observation observation_;
  ExchangeLedger connections_;
  std::optional<ExchangeFacts> http_;
  std::vector<std::unique_ptr<Requests>> requests_;
  std::vector<std::unique_ptr<Goroutines>> goroutines_;
  std::vector<GoHttpFacts> go_http_;
  std::vector<GoroutineFacts> goroutine_facts_;
  std::vector<MappingGrowth> mappings_;
  std::vector<ThreadStackFacts> threads_;
  std::vector<Mark> marks_;
  std::vector<Refusals> refusals_;
  std::optional<Rerun> rerun_;
  std::uint64_t senseless_ = 0;
};

}  // namespace plumb::detect
