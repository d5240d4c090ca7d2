// SPDX-License-Identifier: Apache-2.0
// The table of layouts. Its rows for Go 1.19, 1.21, 1.22 and 1.23 are those of the compilers' own
// DWARF; the others follow from the structure's source and were tried on binaries of 1.17, 1.20,
// 1.25 and 1.26.
#include "detect/symbol/go_layout.h"

#include <algorithm>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// A number at the front, taken off.
std::optional<unsigned> take_number(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = parse_number<unsigned>(text.substr(0, end));
  text.remove_prefix(end);
  return value;
}

}  // namespace

std::optional<GoVersion> parse_go_version(std::string_view text) {
  const auto at = text.find("go");
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + 2);
  const auto major = take_number(text);
  if (!major || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const auto minor = take_number(text);
  if (!minor) return std::nullopt;
  return GoVersion{*major, *minor};
}

std::size_t GoLayout::size() const {
  return std::size_t{
             std::max({stack_hi, m, sp, pc, bp, syscall_sp, syscall_pc, status, id, wait_since,
                       wait_reason, locked_m, parent.value_or(0), go_pc, start_pc})} +
         8;
}

const std::vector<KnownLayout>& known_go_layouts() {
  static const std::vector<KnownLayout> kLayouts = [] {
    const GoLayout go117{.syscall_sp = 112,
                         .syscall_pc = 120,
                         .status = 144,
                         .id = 152,
                         .wait_since = 168,
                         .wait_reason = 176,
                         .locked_m = 232,
                         .parent = std::nullopt,
                         .go_pc = 296,
                         .start_pc = 312};
    GoLayout go121 = go117;  // the tracer's fields moved to the end
    go121.locked_m = 208;
    go121.parent = 272;
    go121.go_pc = 280;
    go121.start_pc = 296;
    const GoLayout go123{.syscall_sp = 112,  // syscallbp came behind it
                         .syscall_pc = 120,
                         .status = 152,
                         .id = 160,
                         .wait_since = 176,
                         .wait_reason = 184,
                         .locked_m = 216,
                         .parent = 280,
                         .go_pc = 288,
                         .start_pc = 304};
    const GoLayout go125{.bp = 96,  // gobuf.ret went
                         .syscall_sp = 104,
                         .syscall_pc = 112,
                         .status = 144,
                         .id = 152,
                         .wait_since = 168,
                         .wait_reason = 176,
                         .locked_m = 208,
                         .parent = 272,
                         .go_pc = 280,
                         .start_pc = 296,
                         .m_procid = 64};
    GoLayout go126 = go125;  // a word for runtime/secret
    go126.parent = 280;
    go126.go_pc = 288;
    go126.start_pc = 304;
    return std::vector<KnownLayout>{
        {{1, 17}, go117}, {{1, 21}, go121}, {{1, 23}, go123}, {{1, 25}, go125}, {{1, 26}, go126}};
  }();
  return kLayouts;
}

std::optional<KnownLayout> go_layout(GoVersion version) {
  const auto& known = known_go_layouts();
  const auto after = std::ranges::upper_bound(known, version, {}, &KnownLayout::first);
  if (after == known.begin()) return std::nullopt;
  return *std::prev(after);
}

}  // namespace plumb::detect
