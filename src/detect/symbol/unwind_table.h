// SPDX-License-Identifier: Apache-2.0
// UnwindTable: all rules of a module in a compact form: a sorted array of (start, rule) of 8 bytes
// an entry, and each distinct rule once. Debian's libc has 28,522 rows and 395 distinct rules: 0.25
// MiB. Immutable after build() and then safe to read from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/cfi_row.h"

namespace plumb::detect {

class UnwindTable {
 public:
  struct Saved {
    std::uint8_t which = 0;  // DWARF register number
    RegisterRule rule;
  };
  struct Rule {
    CfaRule cfa;
    std::uint32_t first_saved = 0;
    std::uint8_t saved_count = 0;  // registers with another rule than kSame
    bool signal_frame = false;
  };

  // The rule that covers `address`, or null.
  const Rule* find(ElfAddress address) const noexcept;
  std::span<const Saved> saved(const Rule& rule) const noexcept {
    return std::span(saved_).subspan(rule.first_saved, rule.saved_count);
  }
  // The expression's bytes; empty for a number that is none.
  std::span<const std::byte> expression(std::int32_t index) const noexcept;

  bool empty() const noexcept { return entries_.empty(); }
  // A walk over all entries: each holds from its start to the next one's.
  std::size_t entry_count() const noexcept { return entries_.size(); }
  ElfAddress start_of(std::size_t entry) const noexcept { return base_ + entries_[entry].start; }

 private:
  friend class UnwindTableBuilder;
  struct Entry {
    std::uint32_t start;  // bytes from base_
    std::uint32_t rule;   // index; kNoRule where nothing is known
  };
  struct Extent {
    std::uint32_t start;
    std::uint32_t size;
  };
  static constexpr std::uint32_t kNoRule = 0xffffffff;

  ElfAddress base_{};
  std::vector<Entry> entries_;
  std::vector<Rule> rules_;
  std::vector<Saved> saved_;
  std::vector<Extent> expressions_;
  std::vector<std::byte> expression_bytes_;
};

class UnwindTableBuilder {
 public:
  static constexpr std::size_t kMostRows = 8U << 20U;   // 64 MiB of entries
  static constexpr std::size_t kMostRules = 1U << 17U;  // distinct ones; LLVM has 986

  // The number under which rows may name this expression; equal ones share a number. Nothing once
  // 16 MiB of expressions are kept.
  std::optional<std::int32_t> add_expression(std::span<const std::byte> bytes);

  // Rows of one function, by rising address; each holds until the next and the last until `end`.
  struct PlacedRow {
    ElfAddress start{};
    CfiRow row;
  };
  // False when the table is full and the function was left out.
  bool add_function(ElfAddress start, ElfAddress end, std::span<const PlacedRow> rows);

  UnwindTable build() &&;

 private:
  struct Pending {
    ElfAddress start;
    std::uint32_t rule;
  };
  std::uint32_t rule_index(const CfiRow& row);

  UnwindTable table_;
  std::vector<Pending> pending_;
  std::unordered_map<std::string, std::uint32_t> rule_numbers_;  // by packed row
  std::map<std::string, std::int32_t, std::less<>> expression_numbers_;
};

}  // namespace plumb::detect
