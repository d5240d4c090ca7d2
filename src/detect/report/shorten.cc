// SPDX-License-Identifier: Apache-2.0
// Shortening of cells.
#include "detect/report/shorten.h"

#include <algorithm>

#include "detect/report/terminal.h"

namespace plumb::detect {
namespace {

// "10.0.0.5:40000 ↔ 1.2.3.4:443" to ":40000 ↔ 1.2.3.4:443". A path has no address before the arrow.
std::string without_own_address(std::string_view cell) {
  constexpr std::string_view kArrow = " ↔ ";
  const auto arrow = cell.find(kArrow);
  if (arrow == std::string_view::npos) return std::string(cell);
  const auto colon = cell.substr(0, arrow).rfind(':');
  if (colon == std::string_view::npos) return std::string(cell);
  return std::string(cell.substr(colon));
}

// ", 12 more" to " +12", wherever it stands.
std::string with_signs(std::string_view cell) {
  constexpr std::string_view kComma = ", ", kMore = " more";
  std::string text(cell);
  for (auto more = text.find(kMore); more != std::string::npos; more = text.find(kMore, more)) {
    const auto comma = text.rfind(kComma, more);
    if (comma == std::string::npos) break;
    text.erase(more, kMore.size());
    text.replace(comma, kComma.size(), " +");
    more -= kComma.size();
  }
  return text;
}

bool tells_holders(std::string_view column) {
  return column == "with" || column == "end" || column == "shared";
}

}  // namespace

std::string shorten(std::string_view column, std::string_view cell, std::size_t width) {
  constexpr std::string_view kPart = " · ", kSecond = " = ";
  for (auto at = cell.rfind(kPart); cells(cell) > width && at != std::string_view::npos;
       at = cell.rfind(kPart)) {
    cell = cell.substr(0, at);
  }
  if (cells(cell) <= width) return std::string(cell);
  std::string text(cell);
  if (column == "name") text = without_own_address(cell);
  if (tells_holders(column)) {
    text = with_signs(cell);
    if (cells(text) > width) text.resize(std::min(text.find(kSecond), text.size()));
  }
  return cut_middle(text, width);
}

}  // namespace plumb::detect
