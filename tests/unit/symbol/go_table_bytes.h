// SPDX-License-Identifier: Apache-2.0
// A Go table of each layout with two functions, written after src/runtime/symtab.go.
#pragma once

#include <cstdint>
#include <vector>

#include "bytes.h"

namespace plumb::detect {

inline constexpr std::uint64_t kText = 0x401000;

struct GoTableShape {
  std::uint32_t magic;
  bool relative;    // functab and _func count from the start of the text (1.18)
  bool start_line;  // _func has one (1.20)
};

// Two functions: main.main of 0x40 bytes, with main.helper inlined at [0x10, 0x20), and
// runtime.goexit of 0x10 bytes.
inline std::vector<std::byte> go_table_bytes(const GoTableShape& layout,
                                             std::uint64_t stored_text = kText) {
  // Names by offset: 0 main.main, 10 runtime.goexit, 25 main.helper
  const Bytes names = Bytes().text("main.main").text("runtime.goexit").text("main.helper");
  const Bytes units = Bytes().put(std::uint32_t{0}).put(std::uint32_t{8});
  const Bytes files = Bytes().text("/a/m.go").text("/a/h.go");
  // Programs of (value delta, address delta), the first value from -1; offset 0 means none.
  const Bytes values = Bytes()
                           .octets({0})
                           .octets({2, 4, 64, 0x3c, 0})                // 1: height 0, then 32
                           .octets({2, 0x10, 2, 0x10, 1, 0x20, 0})     // 6: file 0, 1, 0
                           .octets({22, 0x10, 60, 0x10, 59, 0x20, 0})  // 13: line 10, 40, 10
                           .octets({0, 0x10, 2, 0x10, 1, 0x20, 0})  // 20: no call, call 0, no call
                           .octets({2, 0x10, 0})                    // 27: height 0
                           // 30: height 0, 32, 0 at one byte, a return, 32 to the padding
                           .octets({2, 4, 64, 0x20, 63, 1, 64, 0x17, 0});
  const auto record = [&layout](std::uint64_t entry, std::uint32_t name, std::uint32_t pcsp,
                                bool inlines) {
    Bytes bytes;
    if (layout.relative) {
      bytes.put(static_cast<std::uint32_t>(entry - kText));
    } else {
      bytes.put(entry);
    }
    bytes.put(name).put(std::uint32_t{0}).put(std::uint32_t{0}).put(pcsp);
    bytes.put(std::uint32_t{6}).put(std::uint32_t{13}).put(std::uint32_t{inlines ? 3U : 0U});
    bytes.put(std::uint32_t{0});
    if (layout.start_line) bytes.put(std::uint32_t{9});
    bytes.octets({0, 0, 0, inlines ? 4 : 0});
    if (inlines) {
      bytes.put(std::uint32_t{0}).put(std::uint32_t{0}).put(std::uint32_t{20});
      for (const std::uint32_t offset : {~0U, ~0U, ~0U, 8U}) bytes.put(offset);
    }
    return bytes;
  };
  const Bytes main = record(kText, 0, 30, layout.relative);
  const Bytes goexit = record(kText + 0x40, 10, 27, false);
  const std::uint32_t functab_size = layout.relative ? 20 : 40;
  Bytes functab;
  const auto row = [&](std::uint64_t pc, std::uint32_t offset) {
    if (layout.relative) {
      functab.put(static_cast<std::uint32_t>(pc - kText)).put(offset);
    } else {
      functab.put(pc).put(std::uint64_t{offset});
    }
  };
  row(kText, functab_size);
  row(kText + 0x40, functab_size + static_cast<std::uint32_t>(main.size()));
  if (layout.relative) {
    functab.put(std::uint32_t{0x50});
  } else {
    functab.put(kText + 0x50);
  }

  Bytes bytes = Bytes().put(layout.magic).octets({0, 0, 1, 8});
  bytes.put(std::uint64_t{2}).put(std::uint64_t{2});
  if (layout.relative) bytes.put(stored_text);
  std::uint64_t at = bytes.size() + 5 * 8;
  for (const Bytes* part : {&names, &units, &files, &values}) {
    bytes.put(at);
    at += part->size();
  }
  bytes.put(at);
  for (const Bytes* part : {&names, &units, &files, &values}) bytes.append(part->view());
  if (!layout.relative) functab.append({});
  bytes.append(functab.view()).append(main.view()).append(goexit.view());
  return bytes.vector();
}

inline constexpr GoTableShape k116{0xfffffffa, false, false};
inline constexpr GoTableShape k118{0xfffffff0, true, false};
inline constexpr GoTableShape k120{0xfffffff1, true, true};

}  // namespace plumb::detect
