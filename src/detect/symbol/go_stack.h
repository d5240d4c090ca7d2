// SPDX-License-Identifier: Apache-2.0
// Walking a goroutine's stack in a copy of it, by the frame heights of .gopclntab, as the runtime
// itself does; by frame pointers where the table has no height. Pure; every word is untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/go_table.h"

namespace plumb::detect {

// What the table says of code addresses, kept: 100,000 goroutines have some tens of them.
class GoCode {
 public:
  // `bias` is what the loader added to the linker's addresses.
  GoCode(const GoTable& table, std::uint64_t bias) : table_(&table), bias_(bias) {}

  struct Place {
    bool known = false;                   // in Go code
    bool bottom = false;                  // goexit: the stack is whole
    bool trap = false;                    // sigpanic: its caller was interrupted, not calling
    bool entry = false;                   // a function's first instruction
    std::optional<std::uint64_t> height;  // from rsp to the return address
  };
  const Place& at(Address pc);

  const GoTable& table() const { return *table_; }
  std::uint64_t bias() const { return bias_; }
  ElfAddress linked(Address pc) const { return ElfAddress{number(pc) - bias_}; }
  Address loaded(ElfAddress address) const { return Address{number(address) + bias_}; }

 private:
  static constexpr std::size_t kMostKept = 1 << 20;

  const GoTable* table_;
  std::uint64_t bias_;
  std::unordered_map<std::uint64_t, Place> places_;
};

struct GoWalk {
  enum class End : std::uint8_t {
    kWhole,    // reached goexit
    kMore,     // the copy ends before the stack does
    kTooDeep,  // kMostFrames
    kLost,     // an address that is no Go code, or a frame outside the stack
  };
  End end = End::kLost;
  // Where to look each frame up, innermost first: the call, not the return address behind it.
  std::vector<Address> lookups;
  // Beside each: where its function's first argument has its home when it is kept in memory (the
  // spill area of Go's calling convention, above the return address); none for the outermost.
  std::vector<Address> homes;
};

constexpr std::size_t kMostGoFrames = 512;

// `stack` is a copy of what is at `sp` and above.
GoWalk walk_go_stack(GoCode& code, std::span<const std::byte> stack, Address pc, Address sp,
                     Address bp);

}  // namespace plumb::detect
