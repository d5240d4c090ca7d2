// SPDX-License-Identifier: Apache-2.0
// Naming of goroutines' stacks: each distinct one once, with inlined calls unfolded and without the
// compiler's wrappers, as the runtime's own tracebacks have them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/record/stack_store.h"
#include "detect/symbol/go_stack.h"
#include "detect/symbol/module.h"

namespace plumb::detect {

// Borrows all that it is given.
class GoStackNames {
 public:
  GoStackNames(const Module& module, const GoCode& code, StackStore& stacks)
      : module_(&module), code_(&code), stacks_(&stacks) {}

  StackNode name(std::span<const Address> lookups);

  // Whether a function outside package runtime is among them.
  bool leaves_runtime(std::span<const Address> lookups) const;

  // isSystemGoroutine of runtime/traceback.go: those that it starts for itself.
  bool of_the_runtime(Address start, std::span<const Address> lookups);

 private:
  enum class Beginning : std::uint8_t { kProgram, kRuntime, kBoth };
  struct Hash {
    std::size_t operator()(const std::vector<Address>& addresses) const noexcept;
  };

  std::string_view function_at(Address address) const;
  Beginning beginning_at(Address start);

  const Module* module_;
  const GoCode* code_;
  StackStore* stacks_;
  std::unordered_map<std::vector<Address>, StackNode, Hash> known_;
  std::unordered_map<std::uint64_t, Beginning> beginnings_;
  std::vector<Address> key_;  // reused: most stacks are known
};

}  // namespace plumb::detect
