// SPDX-License-Identifier: Apache-2.0
// StackStore: every distinct stack once, as a path in a tree whose root is the outermost frame.
// Stacks of one program share most of their outer frames, so a stack costs only the frames in which
// it differs: 5,000 origins of 25 frames that share 20 take 25,020 nodes instead of 125,000.
//
// Ownership: the store copies frames in; references stay valid as long as the store. Threads: one
// at a time. Ids are dense and given in order of arrival, so that the same input gives the same
// ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/record/frame.h"

namespace plumb::detect {

enum class FrameId : std::uint32_t {};
enum class StackNode : std::uint32_t {};

class StackStore {
 public:
  static constexpr StackNode kEmpty{0};  // the stack without frames

  StackStore();

  // The id of an equal frame, stored now if it is new.
  FrameId intern(const Frame& frame);

  // The id of the stack with these frames, innermost first; kEmpty for none.
  StackNode add(std::span<const FrameId> innermost_first);

  // The stack that calls `frame` from the innermost frame of `caller`, which add() returned.
  StackNode add(StackNode caller, FrameId frame);

  // What a stack consists of: its innermost frame, and the stack below.
  struct Node {
    StackNode caller;
    FrameId frame;
  };
  const Node& node(StackNode stack) const { return nodes_[number(stack)]; }

  // The frames of a stack that add() returned, innermost first.
  std::vector<FrameId> frames(StackNode stack) const;
  const Frame& frame(FrameId id) const { return frames_[number(id)]; }

  std::size_t frame_count() const noexcept { return frames_.size(); }
  std::size_t node_count() const noexcept { return nodes_.size(); }

 private:
  std::vector<Frame> frames_;
  std::unordered_multimap<std::size_t, FrameId> frame_index_;  // by hash of the frame's fields
  std::vector<Node> nodes_;                                    // [0] is the empty stack
  std::unordered_map<std::uint64_t, StackNode> node_index_;    // caller << 32 | frame
};

}  // namespace plumb::detect
