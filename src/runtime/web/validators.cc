// SPDX-License-Identifier: Apache-2.0
// Comparing entity tags and dates.
#include "validators.h"

#include "http_date.h"
#include "plumb/http/field_text.h"

namespace plumb::runtime {
namespace {

enum class Comparison : std::uint8_t { kStrong, kWeak };

bool same_tag(std::string_view a, std::string_view b, Comparison comparison) {
  const auto weak = [](std::string_view& tag) {
    const bool is = tag.starts_with("W/");
    if (is) tag.remove_prefix(2);
    return is;
  };
  const bool any_weak = static_cast<int>(weak(a)) + static_cast<int>(weak(b)) > 0;
  return a == b && (comparison == Comparison::kWeak || !any_weak);
}

// Whether any field of that name lists the tag, or "*".
bool lists_tag(const http::Fields& fields, std::string_view name, std::string_view tag,
               Comparison comparison) {
  for (const auto& field : fields) {
    if (!http::same_ignoring_case(field.name, name)) continue;
    std::string_view list = field.value;
    std::string_view element;
    while (http::take_element(list, element)) {
      if (element == "*" || same_tag(element, tag, comparison)) return true;
    }
  }
  return false;
}

}  // namespace

Precondition judge_preconditions(const http::Fields& fields, const Validators& current) {
  if (fields.find("if-match")) {
    if (!lists_tag(fields, "if-match", current.etag, Comparison::kStrong)) {
      return Precondition::kFailed;
    }
  } else if (const auto field = fields.find("if-unmodified-since")) {
    const auto date = parse_http_date(*field);
    if (date && current.modified > *date) return Precondition::kFailed;
  }
  if (fields.find("if-none-match")) {
    const bool known = lists_tag(fields, "if-none-match", current.etag, Comparison::kWeak);
    return known ? Precondition::kNotModified : Precondition::kGoOn;
  }
  if (const auto field = fields.find("if-modified-since")) {
    const auto date = parse_http_date(*field);
    if (date && current.modified <= *date) return Precondition::kNotModified;
  }
  return Precondition::kGoOn;
}

bool range_counts(const http::Fields& fields, const Validators& current) {
  const auto condition = fields.find("if-range");
  if (!condition) return true;
  if (condition->starts_with('"') || condition->starts_with("W/")) {
    return same_tag(*condition, current.etag, Comparison::kStrong);
  }
  return parse_http_date(*condition) == current.modified;
}

}  // namespace plumb::runtime
