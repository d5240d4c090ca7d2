// SPDX-License-Identifier: Apache-2.0
// Marking, from the words outside of blocks inwards.
#include "detect/model/reachable_blocks.h"

#include <algorithm>
#include <iterator>

namespace plumb::detect {

ReachableBlocks::ReachableBlocks(std::vector<MemoryBlock> blocks) : blocks_(std::move(blocks)) {
  std::ranges::sort(blocks_, {}, &MemoryBlock::begin);
  for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) {
    blocks_[i].end = std::min(blocks_[i].end, blocks_[i + 1].begin);
  }
  marked_.resize(blocks_.size());
}

ReachableBlocks::Index ReachableBlocks::block_of(std::uint64_t address) const {
  if (blocks_.empty() || address < blocks_.front().begin || address >= blocks_.back().end) {
    return kNone;
  }
  const auto next = std::ranges::upper_bound(blocks_, address, {}, &MemoryBlock::begin);
  if (next == blocks_.begin() || std::prev(next)->end <= address) return kNone;
  return static_cast<Index>(std::prev(next) - blocks_.begin());
}

void ReachableBlocks::mark(Index block) {
  if (std::exchange(marked_[block], 1) != 0) return;
  marks_.push_back(block);
  settled_ = false;
}

void ReachableBlocks::root(std::uint64_t word) {
  if (const Index block = block_of(word); block != kNone) mark(block);
}

// Most words lead nowhere, so where a word stands is looked up for the others alone.
void ReachableBlocks::words(std::uint64_t address, std::span<const std::uint64_t> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Index to = block_of(words[i]);
    if (to == kNone || marked_[to] != 0) continue;
    const Index from = block_of(address + i * sizeof(std::uint64_t));
    if (from == kNone || marked_[from] != 0) {
      mark(to);
    } else if (from != to) {
      inner_.emplace_back(from, to);
      settled_ = false;
    }
  }
}

template <typename Visit>
void ReachableBlocks::each_from(Index block, const Visit& visit) const {
  auto edge = std::ranges::lower_bound(inner_, std::pair(block, Index{0}));
  for (; edge != inner_.end() && edge->first == block; ++edge) visit(edge->second);
}

void ReachableBlocks::follow() {
  if (settled_) return;
  std::ranges::sort(inner_);
  while (!marks_.empty()) {
    const Index from = marks_.back();
    marks_.pop_back();
    each_from(from, [&](Index to) { mark(to); });
  }
  find_heads();
  settled_ = true;
}

void ReachableBlocks::find_heads() {
  heads_.assign(blocks_.size(), kNone);
  within_.assign(blocks_.size(), {});
  std::vector<char> led_to(blocks_.size());
  for (const auto& [from, to] : inner_) {
    if (marked_[from] == 0) led_to[to] = 1;
  }
  // What is left then are rings to which nothing leads from outside.
  for (const bool of_rings : {false, true}) {
    for (Index block = 0; block < blocks_.size(); ++block) {
      if (marked_[block] != 0 || heads_[block] != kNone) continue;
      if (of_rings || led_to[block] == 0) take_in(block);
    }
  }
}

void ReachableBlocks::take_in(Index head) {
  heads_[head] = head;
  std::vector<Index> open = {head};
  while (!open.empty()) {
    const Index from = open.back();
    open.pop_back();
    each_from(from, [&](Index to) {
      if (marked_[to] != 0 || heads_[to] != kNone) return;
      heads_[to] = head;
      ++within_[head].blocks;
      within_[head].bytes += blocks_[to].end - blocks_[to].begin;
      open.push_back(to);
    });
  }
}

std::optional<ReachableBlocks::Index> ReachableBlocks::block_at(std::uint64_t begin) const {
  const Index block = block_of(begin);
  if (block == kNone || blocks_[block].begin != begin) return std::nullopt;
  return block;
}

ReachableBlocks::Fate ReachableBlocks::fate(std::uint64_t begin) {
  follow();
  const auto block = block_at(begin);
  if (!block || marked_[*block] != 0) return Fate::kReachable;
  return heads_[*block] == *block ? Fate::kHead : Fate::kWithin;
}

ReachableBlocks::Within ReachableBlocks::within(std::uint64_t begin) {
  follow();
  const auto block = block_at(begin);
  return block ? within_[*block] : Within{};
}

}  // namespace plumb::detect
