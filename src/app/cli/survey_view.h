// SPDX-License-Identifier: Apache-2.0
// SurveyView: a survey and what is read out of it, together: Joined refers to the survey, so one
// stays where it is made.
#pragma once

#include <utility>

#include "detect/model/joined.h"
#include "detect/record/survey.h"

namespace plumb::app {

struct SurveyView {
  explicit SurveyView(detect::Survey&& taken) : survey(std::move(taken)), joined(survey) {}
  SurveyView(const SurveyView&) = delete;
  SurveyView& operator=(const SurveyView&) = delete;

  detect::Survey survey;
  detect::Joined joined;
};

}  // namespace plumb::app
