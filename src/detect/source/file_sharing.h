// SPDX-License-Identifier: Apache-2.0
// Which descriptors stand for the same open file (dup, fork, SCM_RIGHTS), as kcmp(2) tells it.
#pragma once

#include <cstdint>

#include "detect/record/survey.h"

namespace plumb::detect {

// Gives each descriptor of the survey its FileId. Only those of one inode and access mode can be
// one file, so only they are compared: none for the many that are alone, log2 N calls for each of N
// others, which kcmp puts in an order. Sockets need none: an inode is one file there. Where kcmp is
// refused the FileId stays unknown; the answer is how many were refused.
std::uint64_t find_shared_files(Survey& survey);

}  // namespace plumb::detect
