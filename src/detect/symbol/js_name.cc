// SPDX-License-Identifier: Apache-2.0
// Taking V8's names apart.
#include "detect/symbol/js_name.h"

#include <algorithm>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

bool take_tag(std::string_view& name, std::string_view tag) {
  if (!name.starts_with(tag)) return false;
  name.remove_prefix(tag.size());
  return true;
}

// The number behind the last colon, which goes with it.
std::optional<std::uint32_t> take_last_number(std::string_view& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(text.substr(colon + 1));
  if (number) text = text.substr(0, colon);
  return number;
}

// Where the name ends and the file begins. A getter's name has a space, and so may a path.
std::size_t end_of_name(std::string_view text) {
  std::size_t end = std::string_view::npos;
  for (const std::string_view start : {" /", " node:", " file:"})
    end = std::min(end, text.find(start));
  return end != std::string_view::npos ? end : text.find(' ');
}

}  // namespace

std::optional<JsFunction> parse_js_name(std::string_view name) {
  bool script = false;
  if (take_tag(name, "Script:") || take_tag(name, "Eval:")) {
    script = true;
  } else if (!take_tag(name, "JS:") && !take_tag(name, "LazyCompile:") &&
             !take_tag(name, "Function:")) {
    return std::nullopt;
  }
  // Interpreted, baseline, the middle compilers, optimised.
  const auto first = name.find_first_not_of("~^+*'");
  if (first == std::string_view::npos) return std::nullopt;
  name.remove_prefix(first);

  const auto column = take_last_number(name);
  const auto line = take_last_number(name);
  const std::size_t end = end_of_name(name);
  if (!column || !line || end == std::string_view::npos) return std::nullopt;
  JsFunction function;
  function.name = std::string(name.substr(0, end));
  function.file = std::string(name.substr(end + 1));
  function.line = *line;
  if (function.file.empty()) return std::nullopt;
  if (function.name.empty()) function.name = script ? "(script)" : "(anonymous)";
  return function;
}

}  // namespace plumb::detect
