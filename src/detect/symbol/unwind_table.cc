// SPDX-License-Identifier: Apache-2.0
// Building and searching of compact unwind tables.
#include "detect/symbol/unwind_table.h"

#include <algorithm>
#include <string_view>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostExpressionBytes = 16U << 20U;

void pack(std::string& into, std::int32_t value) {
  into.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// A key without padding bytes; rows with equal keys are equal.
std::string packed(const CfiRow& row) {
  std::string key;
  key.reserve(128);
  key += static_cast<char>(row.cfa.kind);
  key += static_cast<char>(row.cfa.base);
  key += row.signal_frame ? '\1' : '\0';
  pack(key, row.cfa.offset);
  for (const RegisterRule& rule : row.registers) {
    key += static_cast<char>(rule.kind);
    if (rule.kind != RuleKind::kSame) pack(key, rule.value);
  }
  return key;
}

}  // namespace

const UnwindTable::Rule* UnwindTable::find(ElfAddress address) const noexcept {
  const std::uint64_t offset = number(address) - number(base_);
  if (address < base_ || offset > 0xffffffff || entries_.empty()) return nullptr;
  auto it = std::upper_bound(entries_.begin(), entries_.end(), static_cast<std::uint32_t>(offset),
                             [](std::uint32_t at, const Entry& entry) { return at < entry.start; });
  if (it == entries_.begin()) return nullptr;
  --it;
  return it->rule == kNoRule ? nullptr : &rules_[it->rule];
}

std::span<const std::byte> UnwindTable::expression(std::int32_t index) const noexcept {
  if (index < 0 || static_cast<std::size_t>(index) >= expressions_.size()) return {};
  const Extent& extent = expressions_[static_cast<std::size_t>(index)];
  return std::span(expression_bytes_).subspan(extent.start, extent.size);
}

std::optional<std::int32_t> UnwindTableBuilder::add_expression(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto known = expression_numbers_.find(text);
  if (known != expression_numbers_.end()) return known->second;
  std::vector<std::byte>& kept = table_.expression_bytes_;
  if (bytes.size() > kMostExpressionBytes - kept.size()) return std::nullopt;
  const auto index = static_cast<std::int32_t>(table_.expressions_.size());
  table_.expressions_.push_back(
      {static_cast<std::uint32_t>(kept.size()), static_cast<std::uint32_t>(bytes.size())});
  kept.insert(kept.end(), bytes.begin(), bytes.end());
  expression_numbers_.emplace(text, index);
  return index;
}

std::uint32_t UnwindTableBuilder::rule_index(const CfiRow& row) {
  const auto fresh = static_cast<std::uint32_t>(table_.rules_.size());
  const auto [it, added] = rule_numbers_.try_emplace(packed(row), fresh);
  if (!added) return it->second;
  UnwindTable::Rule rule;
  rule.cfa = row.cfa;
  rule.signal_frame = row.signal_frame;
  rule.first_saved = static_cast<std::uint32_t>(table_.saved_.size());
  for (std::size_t which = 0; which < row.registers.size(); ++which) {
    if (row.registers[which].kind == RuleKind::kSame) continue;
    table_.saved_.push_back({static_cast<std::uint8_t>(which), row.registers[which]});
    ++rule.saved_count;
  }
  table_.rules_.push_back(rule);
  return fresh;
}

bool UnwindTableBuilder::add_function(ElfAddress start, ElfAddress end,
                                      std::span<const PlacedRow> rows) {
  if (end <= start || rows.empty()) return true;
  if (pending_.size() + rows.size() + 1 > kMostRows) return false;
  if (table_.rules_.size() + rows.size() > kMostRules) return false;
  for (const PlacedRow& placed : rows) {
    if (placed.start < start || placed.start >= end) continue;
    pending_.push_back({placed.start, rule_index(placed.row)});
  }
  pending_.push_back({end, UnwindTable::kNoRule});
  return true;
}

UnwindTable UnwindTableBuilder::build() && {
  // Where one function ends and another starts, the start must win: ends go first, the last counts.
  std::stable_sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
    if (a.start != b.start) return a.start < b.start;
    return a.rule == UnwindTable::kNoRule && b.rule != UnwindTable::kNoRule;
  });
  if (!pending_.empty()) table_.base_ = pending_.front().start;
  table_.entries_.reserve(pending_.size());
  for (const Pending& pending : pending_) {
    const std::uint64_t offset = number(pending.start) - number(table_.base_);
    if (offset > 0xffffffff) break;
    const auto start = static_cast<std::uint32_t>(offset);
    auto& entries = table_.entries_;
    if (!entries.empty() && entries.back().start == start) entries.pop_back();
    if (!entries.empty() && entries.back().rule == pending.rule) continue;
    entries.push_back({start, pending.rule});
  }
  table_.entries_.shrink_to_fit();
  return std::move(table_);
}

}  // namespace plumb::detect
