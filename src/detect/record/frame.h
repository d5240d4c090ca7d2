// SPDX-License-Identifier: Apache-2.0
// Frame: one line of a stack as people read it. A plain value; what is unknown is empty.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "detect/record/address.h"
#include "detect/record/build_id.h"

namespace plumb::detect {

enum class FrameKind : std::uint8_t {
  kNative,   // machine code of an ELF file
  kInlined,  // a call that the compiler dissolved into the frame that follows it in the stack
  kGo,       // Go code, from .gopclntab
  kJit,      // generated code, named by a perf map or not at all
  kPython,   // a Python function
};

struct Frame {
  FrameKind kind = FrameKind::kNative;
  std::string function;               // demangled; empty: nothing names this address
  std::uint64_t function_offset = 0;  // bytes from the function's start; 0 for inlined and Python
  std::string file;                   // source file; empty without debug information
  std::optional<std::uint32_t> line;  // 1-based; of JavaScript where the function begins
  std::string module;                 // the ELF file as the process sees it; empty outside files
  BuildId build_id;                   // of the module
  std::optional<ElfAddress> elf_address;  // within the module; absent outside files

  friend bool operator==(const Frame&, const Frame&) = default;
};

}  // namespace plumb::detect
