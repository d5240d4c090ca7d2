// SPDX-License-Identifier: Apache-2.0
// ProcessView: one process as the unwinder sees it: which module is where. Reads the maps when made
// and again when an address is asked for that they do not know (dlopen), for a tenth of a processor
// at most, so that a program that runs through ever new code cannot keep plumb busy.
//
// The view is of one program: after an exec, or when the pid belongs to another process, make a new
// one. Threads: one at a time. The cache and the access must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/maps.h"
#include "detect/symbol/module.h"
#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_access.h"
#include "plumb/base/clock.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Where a code address is.
struct CodePlace {
  const Mapping* mapping = nullptr;
  Module* module = nullptr;  // null outside readable ELF files: generated code
  ElfAddress address{};      // within the module; meaningless without one
};

class ProcessView {
 public:
  // Errors: of reading /proc/PID/maps.
  static Result<ProcessView> open(Pid process, const ProcessAccess& access, ModuleCache& cache);

  Pid process() const noexcept { return process_; }
  const AddressSpace& address_space() const noexcept { return space_; }
  const ProcessAccess& access() const noexcept { return *access_; }

  // The place of an address in executable memory; nothing where the process has none. Valid until
  // the next call of a non-const function.
  std::optional<CodePlace> find_code(Address address);
  // Whether it found nothing in maps that may be stale, because they were read too often of late.
  bool unsure() const noexcept { return unsure_; }

  // The module of every executable mapping that is one, each once; of those mappings alone that
  // are wanted, because reading a module for the first time takes some milliseconds.
  std::vector<Module*> modules(bool (*wanted)(const Mapping&) = [](const Mapping&) {
    return true;
  });

  // Reads the maps again, now.
  Result<void> refresh();

 private:
  ProcessView(Pid process, const ProcessAccess& access, ModuleCache& cache)
      : process_(process), access_(&access), cache_(&cache), allowance_(kMostSaved) {}
  static constexpr std::chrono::milliseconds kMostSaved{100};
  bool refresh_for_unknown();
  Module* module_of(std::size_t index);

  Pid process_;
  const ProcessAccess* access_;
  ModuleCache* cache_;
  AddressSpace space_;
  std::vector<std::shared_ptr<Module>> modules_;  // by index of mapping; null: not asked for yet
  bool unsure_ = false;
  BootTime read_at_{};
  std::chrono::nanoseconds allowance_;  // of processor time for reading the maps again
};

}  // namespace plumb::detect
