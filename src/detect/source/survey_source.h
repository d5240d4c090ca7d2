// SPDX-License-Identifier: Apache-2.0
// SurveySource: the edge between the kernel and the facts. Two implementations stand behind it: BPF
// iterators (everything, fast) and /proc with sock_diag (no privileges, fewer fields, says so).
#pragma once

#include <memory>
#include <string>

#include "detect/record/survey.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class SurveySource {
 public:
  virtual ~SurveySource() = default;
  // Looks once. A process that dies meanwhile is left out; one that cannot be read is a row with
  // its errno. Errors: only what makes the whole survey impossible (no /proc). Not thread-safe.
  virtual Result<Survey> take(const SurveyRequest& request) = 0;
};

// Loads the BPF iterators. Errors: EPERM without CAP_BPF and CAP_PERFMON, ENOENT without the
// kernel's BTF, ENOTSUP where the kernel lacks an iterator; the advice says what would help.
// `planned` is what the first survey will be asked for: memory for it is made ready meanwhile.
Result<std::unique_ptr<SurveySource>> open_bpf_survey(const SurveyRequest& planned = {});

// Reads /proc and sock_diag; needs nothing but a mounted /proc. `why` is the reason why it stands
// in for BPF, and goes into Survey::blinds with what it cannot see.
Result<std::unique_ptr<SurveySource>> open_proc_survey(std::string why);

// BPF where it is to be had, else /proc with the reason.
Result<std::unique_ptr<SurveySource>> open_survey(const SurveyRequest& planned = {});

}  // namespace plumb::detect
