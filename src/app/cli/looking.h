// SPDX-License-Identifier: Apache-2.0
// Looking: what every command does that shows a survey: take it, choose from it, say what is
// missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "detect/model/selector.h"
#include "detect/record/survey.h"

namespace plumb::app {

// What --help says of SELECTOR, in lines like those that stand around it.
constexpr const char* kSelectorHelp =
    "A pid, a command name, :PORT, a path of a file or unix socket,\n"
    "unit:NAME, cgroup:PATH; none: the whole machine";

// Takes a survey, with progress on stderr when it takes longer than a second and stderr is a
// terminal. Nothing where it is impossible: the reason has been said, the status is kNotPossible.
std::optional<detect::Survey> look(const detect::SurveyRequest& request);

// Parses selectors. Nothing where one cannot be read: said, and the status is kUsage.
std::optional<std::vector<detect::Selector>> read_selectors(const std::vector<std::string>& texts);

// Says for each selector that chose nothing what may have been meant; true if there was one.
bool complain_of_unmatched(const detect::Survey& survey, const detect::Selection& selection);

// Says on stderr what the survey lost or could not see.
void mention_missing(const detect::Survey& survey);

}  // namespace plumb::app
