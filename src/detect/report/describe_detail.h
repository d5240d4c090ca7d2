// SPDX-License-Identifier: Apache-2.0
// What fdinfo adds to a descriptor, in words.
#pragma once

#include <string>

#include "detect/record/survey.h"

namespace plumb::detect {

// "watches 4 7 9", "monotonic, in 3.2s, every 10s", "process curl(4312)". Clean text.
void append_detail(std::string& out, const Survey& survey, const Detail& detail);

}  // namespace plumb::detect
