// SPDX-License-Identifier: Apache-2.0
// io_uring (io_uring/fdinfo.c): the rings' heads and tails as they run round 32 bits, and what is
// registered. Everything is missing while another thread holds the ring: the kernel then says only
// the common lines.
#include "detect/source/fdinfo.h"
#include "detect/source/fdinfo_lines.h"

namespace plumb::detect {
namespace {

std::uint32_t counted(std::string_view text, std::string_view key) {
  return number_of<std::uint32_t>(text, key).value_or(0);
}

}  // namespace

std::optional<Detail> decode_io_uring(std::string_view text) {
  const auto submission_tail = number_of<std::uint32_t>(text, "SqTail");
  if (!submission_tail) return std::nullopt;
  return IoUringDetail{
      .submissions_pending = *submission_tail - counted(text, "SqHead"),
      .completions_pending = counted(text, "CqTail") - counted(text, "CqHead"),
      .registered_files = counted(text, "UserFiles"),
      .registered_buffers = counted(text, "UserBufs"),
  };
}

}  // namespace plumb::detect
