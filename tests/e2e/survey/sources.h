// SPDX-License-Identifier: Apache-2.0
// The two sources of surveys, put to use in tests.
#pragma once

#include <cstddef>
#include <memory>
#include <set>

#include "detect/model/joined.h"
#include "detect/source/survey_source.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

// BPF, raw sockets and namespaces need root; tests that need them skip without it, and say so.
bool may_use_bpf();

// One survey of everything. Throws std::runtime_error with the reason where there is none.
Survey survey_by(Result<std::unique_ptr<SurveySource>> source);

// Takes a survey by /proc and one by BPF and fails the test for each field of these processes on
// which they differ, and where there is less than `least` to compare. They must stand still.
void expect_agreement(const std::set<Pid>& pids, std::size_t least);

}  // namespace plumb::detect
