// SPDX-License-Identifier: Apache-2.0
// ModuleRules: how to leave the code of a module, read as far as stacks ask for it: function by
// function where the file has an index of its functions, all at once where it has none.
//
// Threads: one at a time. Keeps the sections' bytes, not the file.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "detect/symbol/eh_frame_index.h"
#include "detect/symbol/eh_frame_location.h"
#include "detect/symbol/unwind_table.h"

namespace plumb::detect {

class ModuleRules {
 public:
  ModuleRules() = default;  // of a module that says nothing
  ModuleRules(const ImageSource& source, const ElfImage& elf);

  // Whether it says anything at all.
  bool empty() const;
  // A table that has what is known of this address; of others it may have nothing. Valid until the
  // next call.
  const UnwindTable& at(ElfAddress address);

  // Of the whole module. Reads all of it at the first call.
  const UnwindTable& all();

 private:
  static constexpr std::size_t kMostFunctions = 1U << 16U;

  std::vector<CfiBytes> sections_;
  std::optional<EhFrameIndex> index_;            // of the first section, where that is the only one
  std::map<ElfAddress, UnwindTable> functions_;  // by their entry's address
  std::optional<UnwindTable> all_;
};

}  // namespace plumb::detect
