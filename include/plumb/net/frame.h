// SPDX-License-Identifier: Apache-2.0
// Where one message ends and the next begins, for protocols that say so by a length before it or a
// delimiter behind it, or by a rule of their own. A codec is pure: bytes in, the first frame out.
// Every codec has a bound, as a peer may announce 2^64 bytes or never send the delimiter.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "plumb/base/result.h"
#include "plumb/net/buffer.h"

namespace plumb::runtime {

// The first frame of some input: the payload, and how much of the input it took with its framing.
struct FrameCut {
  Bytes payload;
  std::size_t consumed = 0;
};

// cut(input, seen): the first frame; nothing when it is not complete; an error when the input can
// be no frame (EMSGSIZE: longer than the bound; EPROTO). `seen` is 0 for a new frame and otherwise
// what the last call left there, so that a byte at a time does not cost a look at all of them.
// wrap(payload, out): appends the payload framed. EMSGSIZE, EINVAL: it cannot be framed.
template <typename Codec>
concept FrameCodec = requires(const Codec codec, Bytes bytes, std::size_t& seen, Buffer& out) {
  { codec.cut(bytes, seen) } -> std::same_as<Result<std::optional<FrameCut>>>;
  { codec.wrap(bytes, out) } -> std::same_as<Result<void>>;
};

// A length of 1, 2, 4 or 8 bytes, then as many bytes of payload.
struct LengthPrefixed {
  enum class Order : std::uint8_t { kBig, kLittle };
  std::size_t width = 4;
  Order order = Order::kBig;
  std::size_t most = 1024 * 1024;  // payload

  Result<std::optional<FrameCut>> cut(Bytes input, std::size_t& seen) const;
  Result<void> wrap(Bytes payload, Buffer& out) const;
};

// Payload, then the delimiter, which the payload cannot contain.
struct Delimited {
  std::string_view delimiter = "\n";  // must outlive the codec; a literal does
  std::size_t most = 64 * 1024;       // payload

  Result<std::optional<FrameCut>> cut(Bytes input, std::size_t& seen) const;
  Result<void> wrap(Bytes payload, Buffer& out) const;
};

// No framing: whatever has come is one frame.
struct Verbatim {
  Result<std::optional<FrameCut>> cut(Bytes input, std::size_t& seen) const;
  Result<void> wrap(Bytes payload, Buffer& out) const;
};

static_assert(FrameCodec<LengthPrefixed> && FrameCodec<Delimited> && FrameCodec<Verbatim>);

}  // namespace plumb::runtime
