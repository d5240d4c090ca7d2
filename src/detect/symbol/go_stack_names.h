// SPDX-License-Identifier: Apache-2.0
// Naming of goroutines' stacks: each distinct one once, with inlined calls unfolded and without the
// compiler's wrappers, as the runtime's own tracebacks have them.
#pragma once

#include <cstdint>
#include <map>
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
  bool of_the_runtime(Address start, std::span<const Address> lookups) const;

 private:
  std::string_view function_at(Address address) const;

  const Module* module_;
  const GoCode* code_;
  StackStore* stacks_;
  std::map<std::vector<Address>, StackNode> known_;
};

}  // namespace plumb::detect
