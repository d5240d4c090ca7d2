// SPDX-License-Identifier: Apache-2.0
// Makes the most of a head as it was captured: any line ends, folded lines, nonsense between
// fields, an end that is missing. For the observer; what acts upon messages uses the strict
// parsers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/http/observer.h"

namespace plumb::http {

struct LenientHead {
  // Of the first line: three parts for a request and for a response, as far as they are there.
  std::string first, second, third;
  Version version = Version::kHttp11;
  std::vector<ObservedField> fields;
  FramingFields framing;

  std::string_view find(std::string_view name) const;  // empty where there is none
};

// The size of the head at the front of `text`, its empty line included; nothing while that is
// missing.
std::optional<std::size_t> head_size(std::string_view text) noexcept;

// Whether `data` begins like a message of that side. A complete first line is looked at in full.
bool begins_message(Side side, std::string_view data) noexcept;

LenientHead read_lenient(Side side, std::string_view text);

// The first fault that a strict parser meets in a complete head.
std::optional<Fault> strict_fault(Side side, std::string_view head, RequestContext request);

}  // namespace plumb::http
