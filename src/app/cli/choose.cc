// SPDX-License-Identifier: Apache-2.0
// Choosing processes by a survey.
#include "app/cli/choose.h"

#include "app/cli/looking.h"

namespace plumb::app {

std::optional<std::vector<Pid>> choose_processes(const std::vector<std::string>& texts) {
  const auto selectors = read_selectors(texts);
  if (!selectors) return std::nullopt;
  detect::SurveyRequest request;
  request.details = request.threads = false;
  const auto survey = look(request);
  if (!survey) return std::nullopt;
  const auto selection = detect::select(*survey, *selectors);
  if (complain_of_unmatched(*survey, selection)) return std::nullopt;
  // A port or a path chooses descriptors: their holders are followed.
  std::vector<Pid> pids;
  for (const detect::ProcessIndex chosen : detect::chosen_processes(*survey, selection)) {
    pids.push_back(survey->processes[number(chosen)].key.pid);
  }
  return pids;
}

}  // namespace plumb::app
