// SPDX-License-Identifier: Apache-2.0
// Counting names.
#include "detect/finding/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr Fd kFirstOwn{3};  // below stand the standard streams

bool has_names(Kind kind) {
  return kind == Kind::kFile || kind == Kind::kDirectory || kind == Kind::kCharacterDevice;
}

}  // namespace

std::string names_text(const Facts& facts, ProcessIndex process, Kind kind) {
  if (!has_names(kind)) return {};
  std::map<std::string_view, std::uint64_t> names;
  std::string_view newest;
  std::string_view before;
  const auto rows = facts.now.tables.rows_of(process);
  for (std::uint32_t d = rows.first; d < rows.last; ++d) {
    const Descriptor& row = facts.now.survey.descriptors[d];
    if (row.kind != kind || row.fd < kFirstOwn) continue;
    const std::string_view name = facts.now.survey.texts.at(row.name);
    if (name.empty()) continue;
    ++names[name];
    before = newest;
    newest = name;
  }
  if (names.empty()) return {};
  const auto most = std::ranges::max_element(names, {}, [](const auto& one) { return one.second; });
  if (most->second > 1) {
    return fmt::format("{} times {}", human_count(most->second), most->first);
  }
  return before.empty() ? fmt::format("such as {}", newest)
                        : fmt::format("such as {} and {}", before, newest);
}

}  // namespace plumb::detect
