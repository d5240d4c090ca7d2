// SPDX-License-Identifier: Apache-2.0
// Chooses the survey's source.
#include "detect/source/survey_source.h"

namespace plumb::detect {

Result<std::unique_ptr<SurveySource>> open_survey(const SurveyRequest& planned) {
  auto bpf = open_bpf_survey(planned);
  if (bpf) return bpf;
  return open_proc_survey(bpf.error().message());
}

}  // namespace plumb::detect
