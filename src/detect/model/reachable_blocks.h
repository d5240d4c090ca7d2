// SPDX-License-Identifier: Apache-2.0
// ReachableBlocks: which blocks of a process's memory its own memory still leads to. A block is
// reachable where an aligned word outside of all blocks, or one within a reachable block, is an
// address within it. What no word leads to nobody can give back any more: it is lost.
//
// Of lost blocks that lead to each other one is their head: to it no other leads, or it is the
// first of a ring. The others are within it.
//
// Conservative, as collectors and leak checkers are that know no types: a number that happens to be
// an address within a block keeps it. Pure: words go in, in any order of pieces.
// Memory: 24 bytes a block, and 8 bytes for each word within a block that leads to another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace plumb::detect {

struct MemoryBlock {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // behind its last byte
};

class ReachableBlocks {
 public:
  // Where blocks overlap, one ends where the next begins.
  explicit ReachableBlocks(std::vector<MemoryBlock> blocks);

  // What stands in memory from `address` on, a multiple of 8.
  void words(std::uint64_t address, std::span<const std::uint64_t> words);
  // What is known outside of memory: registers.
  void root(std::uint64_t word);

  // Once all words are told: what is true of the block that begins at `begin`. kReachable for none.
  enum class Fate : std::uint8_t { kReachable, kHead, kWithin };
  Fate fate(std::uint64_t begin);
  // Of a head: the blocks within it, and their bytes.
  struct Within {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
  };
  Within within(std::uint64_t begin);

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  Index block_of(std::uint64_t address) const;
  std::optional<Index> block_at(std::uint64_t begin) const;
  void mark(Index block);
  template <typename Visit>
  void each_from(Index block, const Visit& visit) const;
  void follow();
  void find_heads();
  void take_in(Index head);

  std::vector<MemoryBlock> blocks_;  // by address
  std::vector<char> marked_;
  std::vector<Index> heads_;  // of each lost block; itself: it is one
  std::vector<Within> within_;
  std::vector<Index> marks_;                    // whose words are to be followed
  std::vector<std::pair<Index, Index>> inner_;  // from a block to another
  bool settled_ = false;
};

}  // namespace plumb::detect
