// SPDX-License-Identifier: Apache-2.0
// FactList and FactSource: facts into rows and out of them again, with what was left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detect/record/fact_json.h"
#include "detect/record/fact_set.h"
#include "detect/record/survey.h"

namespace plumb::detect {

class FactList {
 public:
  template <typename T>
  void add(std::string_view record, const T& fact, const TextPool* pool = nullptr,
           std::uint8_t looks = kLastLook) {
    take(record, to_fact(fact, pool).dump(), looks);
  }
  // Facts of the first survey that the last one tells too stand once.
  void begin_first();
  void add(DescriptorFact fact, const TextPool& pool);
  void add(SocketFact fact, const TextPool& pool);
  FactSet take_facts() { return std::move(facts_); }
  std::uint64_t left_out() const { return left_out_; }  // longer than a reader takes

 private:
  using Known = std::unordered_map<std::size_t, std::size_t>;  // places by the hash of their JSON
  void take(std::string_view record, std::string json, std::uint8_t looks);

  FactSet facts_;
  std::map<std::string, std::uint32_t, std::less<>> next_;
  bool first_ = false;
  Known rows_;
  Known descriptors_;
  Known sockets_;
  std::uint64_t left_out_ = 0;
};

class FactSource {
 public:
  // `facts` must outlive it.
  explicit FactSource(const FactSet& facts) : facts_(facts) {}

  // Gives `use` each fact of the record, in the order of their numbers, that one of the looks
  // tells. `use` returns false for one that makes no sense beside the others.
  template <typename T, typename Use>
  void each(std::string_view record, std::uint8_t looks, TextPool* pool, Use&& use) {
    for (const FactRow& row : facts_.rows) {
      if (row.record != record || (row.looks & looks) == 0) continue;
      const ReadJson json = ReadJson::parse(row.json, nullptr, false);
      T fact{};
      const bool good = json.is_object() && from_fact(json, fact, pool) && use(fact);
      senseless_ += !good;
    }
  }
  template <typename T, typename Use>
  void each(std::string_view record, Use&& use) {
    TextPool nowhere;
    each<T>(record, kLastLook, &nowhere, use);
  }
  const FactSet& facts() const { return facts_; }
  void count_senseless() { ++senseless_; }
  // Facts that made no sense.
  std::uint64_t senseless() const { return senseless_; }

 private:
  const FactSet& facts_;
  std::uint64_t senseless_ = 0;
};

// A survey's facts.
void add_survey(const Survey& survey, std::uint8_t look, FactList& list);
Survey read_survey(FactSource& source, std::uint8_t look);

}  // namespace plumb::detect
