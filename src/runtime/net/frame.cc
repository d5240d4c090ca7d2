// SPDX-License-Identifier: Apache-2.0
// Cutting and wrapping of frames.
#include "plumb/net/frame.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <limits>

namespace plumb::runtime {
namespace {

Error too_long(const char* operation, std::uint64_t length, std::size_t most) {
  return fail(operation, std::to_string(length) + " bytes", EMSGSIZE,
              "the bound is " + std::to_string(most));
}

}  // namespace

Result<std::optional<FrameCut>> LengthPrefixed::cut(Bytes input, std::size_t&) const {
  assert(width == 1 || width == 2 || width == 4 || width == 8);
  if (input.size() < width) return std::optional<FrameCut>();
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = order == Order::kBig ? i : width - 1 - i;
    length = length << 8 | std::to_integer<std::uint64_t>(input[at]);
  }
  if (length > most) return too_long("receive frame", length, most);
  const auto payload = static_cast<std::size_t>(length);
  if (input.size() - width < payload) return std::optional<FrameCut>();
  return std::optional(FrameCut{input.subspan(width, payload), width + payload});
}

Result<void> LengthPrefixed::wrap(Bytes payload, Buffer& out) const {
  assert(width == 1 || width == 2 || width == 4 || width == 8);
  const std::uint64_t length = payload.size();
  const bool fits = width == 8 || length >> (8 * width) == 0;
  if (length > most || !fits) return too_long("send frame", length, most);
  const auto room = out.prepare(width + payload.size());
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = order == Order::kBig ? width - 1 - i : i;
    room[at] = static_cast<std::byte>(length >> (8 * i) & 0xff);
  }
  std::ranges::copy(payload, room.begin() + static_cast<std::ptrdiff_t>(width));
  out.commit(width + payload.size());
  return {};
}

Result<std::optional<FrameCut>> Delimited::cut(Bytes input, std::size_t& seen) const {
  assert(!delimiter.empty());
  const std::string_view text = text_of(input);
  // A delimiter may have begun at the end of what was seen.
  const std::size_t from = seen < delimiter.size() ? 0 : seen - (delimiter.size() - 1);
  const std::size_t at = text.find(delimiter, from);
  if (at == std::string_view::npos) {
    seen = text.size();
    const std::size_t certain = text.size() - std::min(text.size(), delimiter.size() - 1);
    if (certain > most) return too_long("receive frame", certain, most);
    return std::optional<FrameCut>();
  }
  if (at > most) return too_long("receive frame", at, most);
  return std::optional(FrameCut{input.first(at), at + delimiter.size()});
}

Result<void> Delimited::wrap(Bytes payload, Buffer& out) const {
  if (payload.size() > most) return too_long("send frame", payload.size(), most);
  // Also one that ends with the beginning of a delimiter could be cut in the wrong place.
  const std::string_view text = text_of(payload);
  const std::string_view last = text.substr(text.size() - std::min(text.size(), delimiter.size()));
  const auto early = std::string(last).append(delimiter).find(delimiter);
  if (text.find(delimiter) != std::string_view::npos || early != last.size()) {
    return fail("send frame", "", EINVAL, "it contains the delimiter");
  }
  out.append(payload);
  out.append(bytes_of(delimiter));
  return {};
}

Result<std::optional<FrameCut>> Verbatim::cut(Bytes input, std::size_t&) const {
  if (input.empty()) return std::optional<FrameCut>();
  return std::optional(FrameCut{input, input.size()});
}

Result<void> Verbatim::wrap(Bytes payload, Buffer& out) const {
  out.append(payload);
  return {};
}

}  // namespace plumb::runtime
