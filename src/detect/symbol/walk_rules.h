// SPDX-License-Identifier: Apache-2.0
// What the tracing programs must know to leave a piece of code, and the rest of a walk that they
// had to break off for not knowing it. The kernel and this file follow the same rules with the same
// bounds, so that both give one stack the same addresses.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "detect/record/trace_event.h"
#include "detect/record/walk_rule.h"
#include "detect/symbol/process_view.h"

namespace plumb::detect {

// How to leave the code at a return address, or at an interrupted instruction. kEnd for addresses
// that are no code, kCut where ip, sp and bp are not enough.
WalkRule walk_rule(ProcessView& process, Address ip, bool interrupted);

struct WalkedStack {
  std::vector<Address> addresses;  // innermost first
  // The first address and those that a signal interrupted are the next instruction themselves, the
  // others return addresses: one flag an address.
  std::vector<bool> interrupted;
  bool cut = false;  // deeper than was followed or copied
  // Of the frames that were found in the copy, those that no table knows: where V8's functions are.
  struct BareFrame {
    std::size_t index;  // in `addresses`
    Address frame_pointer{};
  };
  std::vector<BareFrame> bare;
};

// Finishes the walk of an event in its copy of the stack. Each rule that it uses goes to `teach`,
// also those that lead nowhere, so that no address is asked about twice; not what came of maps that
// may be stale. At most `most` addresses.
WalkedStack finish_walk(ProcessView& process, const StackEvent& event, std::size_t most,
                        const std::function<void(Address, const WalkRule&)>& teach);

}  // namespace plumb::detect
