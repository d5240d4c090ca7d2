// SPDX-License-Identifier: Apache-2.0
// bpf (kernel/bpf/syscall.c, kernel/bpf/btf.c): "map_type: 2" and "map_id: 25", "prog_type:" and
// "prog_id:", "link_type: tracing" and "link_id:", "btf_id:". A link says its program's id too, so
// links come first.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_bpf(std::string_view text) {
  if (const auto link = number_of<std::uint32_t>(text, "link_id")) return BpfDetail{.id = *link};
  if (const auto map = number_of<std::uint32_t>(text, "map_id")) {
    return BpfDetail{.id = *map, .type = number_of<std::int32_t>(text, "map_type").value_or(-1)};
  }
  if (const auto program = number_of<std::uint32_t>(text, "prog_id")) {
    return BpfDetail{.id = *program,
                     .type = number_of<std::int32_t>(text, "prog_type").value_or(-1)};
  }
  if (const auto types = number_of<std::uint32_t>(text, "btf_id")) return BpfDetail{.id = *types};
  return std::nullopt;
}

}  // namespace plumb::detect
