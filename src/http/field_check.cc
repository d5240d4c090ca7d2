// SPDX-License-Identifier: Apache-2.0
// The one gate through which a caller's fields reach a line.
#include "http/field_check.h"

#include <array>

#include "http/scan.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

constexpr std::array<std::string_view, 7> kEncodersOwn = {
    "content-length",   "transfer-encoding", "connection", "keep-alive",
    "proxy-connection", "upgrade",           "te"};

bool is_encoders_own(std::string_view name, Section section) {
  if (section != Section::kResponse && same_ignoring_case(name, "host")) return true;
  if (section == Section::kTrailer &&
      (same_ignoring_case(name, "content-encoding") || same_ignoring_case(name, "trailer"))) {
    return true;
  }
  for (const std::string_view own : kEncodersOwn) {
    if (same_ignoring_case(name, own)) return true;
  }
  return false;
}

}  // namespace

bool is_value(std::string_view text) noexcept {
  return scan::value_end(text.data(), text.data() + text.size()) == text.data() + text.size();
}

FieldCheck check_fields(std::span<const Field> fields, Section section) noexcept {
  for (const Field& field : fields) {
    if (!is_token(field.name)) return {Refusal::kBadFieldName, field.name};
    if (!is_value(field.value)) return {Refusal::kBadFieldValue, field.name};
    if (is_encoders_own(field.name, section)) return {Refusal::kFramingField, field.name};
  }
  return {};
}

void write_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace plumb::http
