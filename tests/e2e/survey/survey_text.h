// SPDX-License-Identifier: Apache-2.0
// A survey as text, field by field, so that two can be compared and every difference printed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "detect/model/joined.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

using Fields = std::map<std::string, std::string>;
// What a survey says, by subject: "1234", "1234/7", "1234 thread 1235".
using SurveyText = std::map<std::string, Fields>;

// The processes `pids`, their threads and descriptors; for a descriptor also its other end and who
// shares it, as pid/fd.
SurveyText text_of(const Joined& joined, const std::set<Pid>& pids);

// One line a difference: "1234/7 file name: [a] against [b]". What the first does not know is none:
// the first is the source that sees less.
std::vector<std::string> differences(const SurveyText& one, const SurveyText& other);

}  // namespace plumb::detect
