// SPDX-License-Identifier: Apache-2.0
// V8Layout: how one build of V8 lays out its heap and its frames, from the v8dbg_* constants that
// it exports for debuggers after death (V8, tools/gen-postmortem-metadata.py); node has them in its
// table of exported symbols.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "detect/record/v8_stack.h"
#include "detect/symbol/elf_image.h"

namespace plumb::detect {

struct V8Layout {
  V8FrameLayout frame;
  // SharedFunctionInfo
  std::uint32_t shared_name = 0;  // its name, or its ScopeInfo
  // ScopeInfo: words by their index behind the map
  std::uint32_t scope_locals = 0;  // how many
  std::uint32_t scope_first = 0;   // their names
  // Script
  std::uint32_t script_name = 0;
  std::uint32_t script_source = 0;
  std::optional<std::uint32_t> script_line_offset;
  // Strings
  std::uint32_t string_length = 0;
  std::uint32_t one_byte_chars = 0;
  std::uint32_t two_byte_chars = 0;
  std::uint32_t cons_first = 0;
  std::uint32_t cons_second = 0;
  std::uint32_t sliced_parent = 0;
  std::uint32_t sliced_offset = 0;
  std::uint32_t thin_actual = 0;
  std::uint32_t external_resource = 0;
  // Numbers of types, and bits of a string's
  std::uint16_t first_no_string = 0;
  std::uint16_t script_type = 0;
  std::uint16_t scope_type = 0;
  std::uint16_t shape_mask = 0, shape_seq = 0, shape_cons = 0, shape_external = 0, shape_sliced = 0,
                shape_thin = 0;
  std::uint16_t one_byte_mask = 0, one_byte = 0;
};

// A constant's value by its name without "v8dbg_".
using V8Constants = std::map<std::string, std::int32_t, std::less<>>;

// Nothing where a constant is missing or makes no sense, or where pointers are compressed.
std::optional<V8Layout> v8_layout(const V8Constants& constants);

// The constants that a file exports; none where it does not.
V8Constants read_v8_constants(const ImageSource& source, const ElfImage& elf);

}  // namespace plumb::detect
