// SPDX-License-Identifier: Apache-2.0
// Describing samples.
#include "app/cli/trace_samples.h"

#include "detect/model/joined.h"
#include "detect/report/describe.h"
#include "detect/source/survey_source.h"

namespace plumb::app {

using namespace detect;

void describe_samples(const TraceLedger& ledger, SampleTexts& texts) {
  auto source = open_bpf_survey();
  if (!source) return;
  SurveyRequest request;
  request.details = request.command_lines = request.threads = false;
  const auto survey = (*source)->take(request);
  if (!survey) return;
  const Joined joined(*survey);
  for (const Site& site : ledger.sites()) {
    for (const HoldingSample& sample : site.samples) {
      const auto process = find_process(*survey, sample.pid);
      if (!process) continue;
      const auto row = joined.tables.find(*process, sample.fd);
      if (!row || joined.row(*row).file != sample.file) continue;
      SampleText text;
      append_name(text.name, joined, *row);
      append_other_end(text.other_end, joined, *row);
      texts[{sample.pid, sample.fd, sample.file}] = std::move(text);
    }
  }
}

}  // namespace plumb::app
