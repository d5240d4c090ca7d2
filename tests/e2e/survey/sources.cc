// SPDX-License-Identifier: Apache-2.0
// Taking surveys, and comparing them.
#include "sources.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "survey_text.h"

namespace plumb::detect {

bool may_use_bpf() {
  return ::geteuid() == 0;
}

Survey survey_by(Result<std::unique_ptr<SurveySource>> source) {
  if (!source) throw std::runtime_error(source.error().message());
  auto survey = (*source)->take({});
  if (!survey) throw std::runtime_error(survey.error().message());
  return std::move(*survey);
}

void expect_agreement(const std::set<Pid>& pids, std::size_t least) {
  const auto proc = survey_by(open_proc_survey(""));
  const auto bpf = survey_by(open_bpf_survey());
  const auto by_proc = text_of(Joined(proc), pids);
  EXPECT_GE(by_proc.size(), least);
  for (const auto& line : differences(by_proc, text_of(Joined(bpf), pids))) ADD_FAILURE() << line;
}

}  // namespace plumb::detect
