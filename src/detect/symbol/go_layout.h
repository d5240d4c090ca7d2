// SPDX-License-Identifier: Apache-2.0
// GoLayout: where the fields of runtime.g and runtime.m stand, which differs between Go versions
// (src/runtime/runtime2.go). Pure: from a table by version; go_dwarf.h has them from the binary.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plumb::detect {

struct GoVersion {
  unsigned major = 0;
  unsigned minor = 0;
  friend auto operator<=>(const GoVersion&, const GoVersion&) = default;
};

// "go1.19.8", "go1.26rc1", "go1.23.5 X:nocoverageredesign", "devel go1.22-abc". Nothing for texts
// without a "goX.Y".
std::optional<GoVersion> parse_go_version(std::string_view text);

// Bytes from the start of runtime.g, and of runtime.m for m_procid.
struct GoLayout {
  std::uint16_t stack_lo = 0, stack_hi = 8;
  std::uint16_t m = 48;
  std::uint16_t sp = 56, pc = 64, bp = 104;  // sched
  std::uint16_t syscall_sp = 0, syscall_pc = 0;
  std::uint16_t status = 0, id = 0;
  std::uint16_t wait_since = 0, wait_reason = 0;
  std::uint16_t locked_m = 0;
  std::optional<std::uint16_t> parent;
  std::uint16_t go_pc = 0, start_pc = 0;
  std::uint16_t m_procid = 72;

  // How much of a g holds all of these.
  std::size_t size() const;
  friend bool operator==(const GoLayout&, const GoLayout&) = default;
};

struct KnownLayout {
  GoVersion first;  // and all minor versions up to the next entry's
  GoLayout layout;
};

// Oldest first: Go 1.17 to 1.26.
const std::vector<KnownLayout>& known_go_layouts();

// The layout of a version; for one newer than the table, the newest. Nothing for older ones.
std::optional<KnownLayout> go_layout(GoVersion version);

}  // namespace plumb::detect
