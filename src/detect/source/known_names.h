// SPDX-License-Identifier: Apache-2.0
// KnownNames: the names that rows of files without a text go by (SURVEY_NAME_KNOWN).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "detect/record/descriptor.h"
#include "detect/source/bpf/survey_abi.h"

namespace plumb::detect {

// Threads: none.
class KnownNames {
 public:
  struct Name {
    TextRef text;
    Kind kind = Kind::kUnknown;  // which depends on the text
  };

  // The name that this slot has from now on; nothing happens where there is no such slot.
  void set(std::uint32_t slot, Name name) {
    if (slot < slots_.size()) slots_[slot] = name;
  }
  std::optional<Name> find(std::uint32_t slot) const {
    return slot < slots_.size() ? slots_[slot] : std::nullopt;
  }

 private:
  std::array<std::optional<Name>, SURVEY_NAME_SLOTS> slots_;
};

}  // namespace plumb::detect
