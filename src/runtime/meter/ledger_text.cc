// SPDX-License-Identifier: Apache-2.0
// A ledger for people and for programs that read JSON.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "ledger_groups.h"
#include "plumb/base/human.h"
#include "plumb/meter/ledger.h"

namespace plumb::runtime {
namespace {

// RFC 8259, section 7. All text of a holding is UTF-8: see Holding::acquire().
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

// A detail may come from outside the program: no control character of it reaches a terminal.
std::string printable(std::string text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::ranges::replace_if(text, control, '?');
  return text;
}

std::string ages(const LedgerGroup& group) {
  const auto youngest = human_duration(group.youngest);
  const auto oldest = human_duration(group.oldest);
  return group.count == 1 ? oldest : youngest + " … " + oldest;
}

}  // namespace

std::vector<LedgerGroup> groups_of(const std::vector<LedgerRow>& rows) {
  using Key = std::tuple<std::string_view, std::string_view, std::string_view, unsigned>;
  std::map<Key, LedgerGroup> groups;
  for (const auto& row : rows) {
    const auto& held = row.holding;
    const Key key(row.shelf, held.kind, held.site.file_name(), held.site.line());
    auto [entry, is_new] = groups.try_emplace(key, LedgerGroup{&row, 0, row.age, row.age, {}});
    auto& group = entry->second;
    ++group.count;
    group.youngest = std::min(group.youngest, row.age);
    group.oldest = std::max(group.oldest, row.age);
    group.total += row.age;
  }
  std::vector<LedgerGroup> result;
  for (auto& [key, group] : groups) result.push_back(group);
  std::ranges::stable_sort(result, std::ranges::greater{}, &LedgerGroup::count);
  return result;
}

std::string ledger_text(const std::vector<LedgerRow>& rows) {
  const auto groups = groups_of(rows);
  std::string text = fmt::format("{} held, from {} lines\n", rows.size(), groups.size());
  if (groups.empty()) return text;
  std::size_t kind = 4, shelf = 5, detail = 6;
  for (const auto& group : groups) {
    kind = std::max(kind, group.example->holding.kind.size());
    shelf = std::max(shelf, group.example->shelf.size());
    detail = std::max(detail, group.example->holding.detail.size());
  }
  const auto line = [&](auto count, auto what, auto where, auto name, auto age, const auto& site) {
    text += fmt::format("{:>8}  {:<{}}  {:<{}}  {:<{}}  {:<15}  {}\n", count, what, kind, where,
                        shelf, name, detail, age, site);
  };
  line("COUNT", "KIND", "SHELF", "DETAIL", "AGE", std::string("ACQUIRED AT"));
  for (const auto& group : groups) {
    const auto& held = group.example->holding;
    const auto site = fmt::format("{}:{} {}", short_file(held.site.file_name()), held.site.line(),
                                  held.site.function_name());
    line(human_count(group.count), held.kind, group.example->shelf,
         group.count == 1 ? printable(held.detail) : std::string(), ages(group), site);
  }
  return text;
}

std::string ledger_json(const std::vector<LedgerRow>& rows) {
  std::string text;
  for (const auto& row : rows) {
    const auto& held = row.holding;
    text += fmt::format(
        "{{\"record\":\"holding\",\"schema\":1,\"shelf\":{},\"kind\":{},\"identity\":{},"
        "\"detail\":{},\"age_s\":{:.6f},\"file\":{},\"line\":{},\"function\":{}}}\n",
        quoted(row.shelf), quoted(held.kind), held.identity, quoted(held.detail),
        std::chrono::duration<double>(row.age).count(), quoted(held.site.file_name()),
        held.site.line(), quoted(held.site.function_name()));
  }
  return text;
}

}  // namespace plumb::runtime
