// SPDX-License-Identifier: Apache-2.0
// Conditional requests (RFC 9110 section 13): whether the client's copy is still good, as a pure
// function of the request's fields and the two validators of what is there.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "plumb/http/head.h"

namespace plumb::runtime {

struct Validators {
  std::string etag;  // strong, with its quotes
  std::time_t modified = 0;
};

enum class Precondition : std::uint8_t {
  kGoOn,
  kNotModified,  // 304
  kFailed,       // 412
};

// In the order of section 13.2.2; for GET and HEAD.
Precondition judge_preconditions(const http::Fields& fields, const Validators& current);

// Whether the Range field counts (section 13.1.5): no If-Range, or one that names what is there.
bool range_counts(const http::Fields& fields, const Validators& current);

}  // namespace plumb::runtime
