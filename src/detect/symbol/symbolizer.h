// SPDX-License-Identifier: Apache-2.0
// Symbolizer: from addresses to frames that people can read. Answers are kept by module and
// address, so that a stack seen before costs one look-up a frame.
//
// Threads: one at a time. An address that nothing names is a frame without a name, never an error.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/record/frame.h"
#include "detect/symbol/jit_names.h"
#include "detect/symbol/named_frame.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/unwinder.h"

namespace plumb::detect {

class Symbolizer {
 public:
  // The frames at one address, innermost first: inlined calls, then the function that they are in.
  // Always at least one. Valid until the next call.
  const std::vector<Frame>& frames_at(ProcessView& process, Address lookup);

  // The frames of a whole stack, innermost first. `known` are taken as they are; by rising index.
  std::vector<Frame> frames(ProcessView& process, const Unwound& stack,
                            std::span<const NamedFrame> known = {});

  // Forgets what it knows of a process: after an exec, or when it is gone.
  void forget(Pid process);

 private:
  static constexpr std::size_t kMostKept = 1 << 20;  // addresses; beyond them it starts anew

  struct Key {
    std::uint64_t module;  // Module::serial()
    ElfAddress address;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return (number(key.address) ^ key.module * 0x9e3779b97f4a7c15U) * 0xff51afd7ed558ccdU;
    }
  };
  std::vector<Frame> native(ProcessView& process, Module& module, ElfAddress address);
  std::vector<Frame> generated(ProcessView& process, Address address, const Mapping& mapping);

  std::unordered_map<Key, std::vector<Frame>, KeyHash> known_;
  std::map<Pid, JitNames> jits_;
  std::vector<Frame> last_;  // the answer for what is not kept
};

}  // namespace plumb::detect
