// SPDX-License-Identifier: Apache-2.0
// The tree of stacks: interning of frames and of paths.
#include "detect/record/stack_store.h"

#include <functional>

namespace plumb::detect {
namespace {

std::size_t hash_of(const Frame& frame) {
  std::size_t hash = std::hash<std::string>{}(frame.function);
  const auto mix = [&hash](std::size_t value) {
    hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
  };
  mix(std::hash<std::string>{}(frame.file));
  mix(std::hash<std::string>{}(frame.module));
  mix(frame.line.value_or(0));
  mix(frame.elf_address ? number(*frame.elf_address) : 0);
  mix(static_cast<std::size_t>(frame.kind));
  return hash;
}

std::uint64_t edge(StackNode caller, FrameId frame) {
  return std::uint64_t{number(caller)} << 32U | number(frame);
}

}  // namespace

StackStore::StackStore() : nodes_{{kEmpty, FrameId{0}}} {}

FrameId StackStore::intern(const Frame& frame) {
  const std::size_t hash = hash_of(frame);
  const auto [first, last] = frame_index_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (frames_[number(it->second)] == frame) return it->second;
  }
  const FrameId id{static_cast<std::uint32_t>(frames_.size())};
  frames_.push_back(frame);
  frame_index_.emplace(hash, id);
  return id;
}

StackNode StackStore::add(std::span<const FrameId> innermost_first) {
  StackNode node = kEmpty;
  for (std::size_t left = innermost_first.size(); left > 0; --left) {
    node = add(node, innermost_first[left - 1]);
  }
  return node;
}

StackNode StackStore::add(StackNode caller, FrameId frame) {
  const StackNode fresh{static_cast<std::uint32_t>(nodes_.size())};
  const auto [it, added] = node_index_.try_emplace(edge(caller, frame), fresh);
  if (added) nodes_.push_back({caller, frame});
  return it->second;
}

std::vector<FrameId> StackStore::frames(StackNode stack) const {
  std::vector<FrameId> found;
  for (StackNode node = stack; node != kEmpty; node = nodes_[number(node)].caller) {
    found.push_back(nodes_[number(node)].frame);
  }
  return found;
}

}  // namespace plumb::detect
