// SPDX-License-Identifier: Apache-2.0
// dma-buf (drivers/dma-buf/dma-buf.c): "size:\t4096", "count:\t2", "exp_name:\tsystem", "name:…".
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {

std::optional<Detail> decode_dmabuf(std::string_view text) {
  const auto bytes = number_of<std::uint64_t>(text, "size");
  if (!bytes) return std::nullopt;
  return DmabufDetail{.bytes = *bytes};
}

}  // namespace plumb::detect
