// SPDX-License-Identifier: Apache-2.0
// FlatIndex: an open-addressing index from keys that stay where they are (in a survey's rows) to
// the rows' numbers. A slot is 8 bytes, so that a million rows cost 16 MiB and a lookup one cache
// line; std::unordered_map costs a node of 40 bytes and two misses, which is most of a join's time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace plumb::detect {

// Spreads a 64-bit key over all bits (the finaliser of SplitMix64: Steele, Lea, Flood 2014).
constexpr std::uint64_t mix(std::uint64_t key) {
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ULL;
  key = (key ^ (key >> 27)) * 0x94d049bb133111ebULL;
  return key ^ (key >> 31);
}
constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second) {
  return mix(first + 0x9e3779b97f4a7c15ULL + mix(second));
}

// Threads: none. Never grows: make it for as many rows as it may take.
class FlatIndex {
 public:
  explicit FlatIndex(std::size_t rows) : slots_(std::bit_ceil(rows * 2 + 1)) {}

  // The row that was put in first under a key equal to this one; `row` itself where it is the
  // first, and then it is in. `same(other)` says whether the row `other` has this row's key.
  template <typename Same>
  std::uint32_t find_or_insert(std::uint64_t hash, std::uint32_t row, Same same) {
    Slot& slot = probe(hash, same);
    if (slot.row_plus_one == 0) slot = {tag_of(hash), row + 1};
    return slot.row_plus_one - 1;
  }

  template <typename Same>
  std::optional<std::uint32_t> find(std::uint64_t hash, Same same) const {
    const Slot& slot = const_cast<FlatIndex*>(this)->probe(hash, same);
    if (slot.row_plus_one == 0) return std::nullopt;
    return slot.row_plus_one - 1;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // the hash's upper half: rows are compared only where it agrees
    std::uint32_t row_plus_one = 0;
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  template <typename Same>
  Slot& probe(std::uint64_t hash, Same same) {
    const std::size_t last = slots_.size() - 1;
    for (std::size_t at = hash & last;; at = (at + 1) & last) {
      Slot& slot = slots_[at];
      if (slot.row_plus_one == 0) return slot;
      if (slot.tag == tag_of(hash) && same(slot.row_plus_one - 1)) return slot;
    }
  }

  std::vector<Slot> slots_;
};

}  // namespace plumb::detect
