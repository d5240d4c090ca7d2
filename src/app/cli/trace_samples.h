// SPDX-License-Identifier: Apache-2.0
// What the samples of a trace are called, and who has their other ends, from a survey.
#pragma once

#include "detect/model/trace_ledger.h"
#include "detect/report/trace_document.h"

namespace plumb::app {

// Takes a survey and describes the samples that it finds; what was described before stays, so that
// those of ended processes keep their names. Does nothing where no survey can be had.
void describe_samples(const detect::TraceLedger& ledger, detect::SampleTexts& texts);

}  // namespace plumb::app
