// SPDX-License-Identifier: Apache-2.0
// Which processes live in namespaces other than the machine's own.
#pragma once

#include <string>

#include "detect/record/survey.h"

namespace plumb::detect {

// The namespaces that most of the machine is in: those of process 1, or of the first process whose
// namespaces are known. All 0 where none are.
Namespaces home_namespaces(const Survey& survey);

// In which it differs: "net", "pid,mnt,net"; empty at home or unknown.
std::string foreign_namespaces(const Namespaces& home, const Process& process);

}  // namespace plumb::detect
