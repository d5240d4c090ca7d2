// SPDX-License-Identifier: Apache-2.0
// The survey's records as JSON, one object a line; docs/json.md is their description. Unknown
// members are left out, never null. The kernel's addresses are not printed: an open file is known
// by its number within the survey.
#pragma once

#include <optional>
#include <vector>

#include "detect/model/joined.h"
#include "detect/report/json_writer.h"

namespace plumb::detect {

constexpr int kProcessSchema = 1;
constexpr int kDescriptorSchema = 1;
constexpr int kSurveySchema = 1;
constexpr int kCountSchema = 1;

// At most this many holders are listed for an end or an open file, with their whole number: 990
// children that share a pipe would make a list of a million otherwise.
constexpr std::size_t kMostHolders = 16;

void write_process(JsonWriter& json, const Joined& joined, ProcessIndex process);

// Writes descriptors. What the records of one process begin with is made once and copied: a sixth
// of a record's time. Threads: one each.
class DescriptorRecords {
 public:
  explicit DescriptorRecords(const Joined& joined) : joined_(joined) {}
  void write(JsonWriter& json, DescriptorIndex descriptor);

 private:
  const Joined& joined_;
  std::optional<ProcessIndex> process_;
  JsonWriter beginning_;
};

// The last line: where the facts come from and what is missing.
void write_survey(JsonWriter& json, const Survey& survey);

// Parts of records that other records have too.
void write_kinds(JsonWriter& json, const KindCounts& counts);
void write_wait(JsonWriter& json, const BlockingCall& call);
void write_losses(JsonWriter& json, const std::vector<Loss>& losses);

}  // namespace plumb::detect
