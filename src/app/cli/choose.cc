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
  std::vector<bool> chosen(survey->processes.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = selection.has(detect::ProcessIndex{static_cast<std::uint32_t>(i)});
  }
  // A port or a path chooses descriptors: their holders are followed.
  for (std::size_t row = 0; row < survey->descriptors.size(); ++row) {
    if (selection.has_row(row)) chosen[number(survey->descriptors[row].process)] = true;
  }
  std::vector<Pid> pids;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i]) pids.push_back(survey->processes[i].key.pid);
  }
  return pids;
}

}  // namespace plumb::app
