// SPDX-License-Identifier: Apache-2.0
// Which fields a caller may have written, in heads and in trailers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plumb/http/encoder.h"

namespace plumb::http {

enum class Section : std::uint8_t { kRequest, kResponse, kTrailer };

struct FieldCheck {
  std::optional<Refusal> refusal;
  std::string_view object;  // the name of the field that is refused
};

// The first field that may not be written.
FieldCheck check_fields(std::span<const Field> fields, Section section) noexcept;

// No control byte but the tab.
bool is_value(std::string_view text) noexcept;

void write_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace plumb::http
