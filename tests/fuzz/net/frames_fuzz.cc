// SPDX-License-Identifier: Apache-2.0
// Any bytes, in any pieces, to every codec: the pieces change nothing, no frame exceeds the bound,
// what was cut can be wrapped again and is cut the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "plumb/net/frame.h"

namespace {

using namespace plumb::runtime;

constexpr std::size_t kMost = 64;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::string> frames;
  int error = 0;
};

// Cuts `input`, given in pieces of the sizes in `steps`, again and again; an empty list: all at
// once.
template <FrameCodec Codec>
Outcome cut(const Codec& codec, Bytes input, Bytes steps) {
  BlockPool pool;
  Buffer buffer(pool);
  Outcome outcome;
  std::size_t seen = 0;
  for (std::size_t turn = 0; !input.empty(); ++turn) {
    const std::size_t step =
        steps.empty() ? input.size() : 1 + std::to_integer<std::size_t>(steps[turn % steps.size()]);
    const std::size_t size = std::min(step, input.size());
    buffer.append(input.first(size));
    input = input.subspan(size);
    for (;;) {
      const auto found = codec.cut(buffer.bytes(), seen);
      if (!found) {
        outcome.error = found.error().code;
        return outcome;
      }
      if (!*found) break;
      require((*found)->consumed <= buffer.size() && (*found)->consumed != 0);
      require((*found)->payload.size() <= kMost);
      outcome.frames.emplace_back(text_of((*found)->payload));
      buffer.consume((*found)->consumed);
      seen = 0;
    }
    require(buffer.size() <= kMost + 256);
  }
  return outcome;
}

template <FrameCodec Codec>
void examine(const Codec& codec, Bytes input, Bytes steps) {
  const Outcome pieces = cut(codec, input, steps);
  const Outcome bytes = cut(codec, input, bytes_of(std::string_view("\0", 1)));
  require(pieces.frames == bytes.frames && pieces.error == bytes.error);
  BlockPool pool;
  Buffer wire(pool);
  for (const auto& frame : pieces.frames) require(codec.wrap(bytes_of(frame), wire).ok());
  require(cut(codec, wire.bytes(), {}).frames == pieces.frames);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return 0;
  const Bytes all{reinterpret_cast<const std::byte*>(data), size};
  const Bytes steps = all.subspan(1, 4);
  const Bytes input = all.subspan(5);
  const auto kind = data[0];
  if (kind % 2 == 0) {
    examine(LengthPrefixed{.width = std::size_t{1} << (kind >> 1 & 3),
                           .order = (kind & 8) != 0 ? LengthPrefixed::Order::kBig
                                                    : LengthPrefixed::Order::kLittle,
                           .most = kMost},
            input, steps);
  } else {
    constexpr std::string_view kDelimiters[] = {"\n", "\r\n", "aab", "--"};
    examine(Delimited{.delimiter = kDelimiters[kind >> 1 & 3], .most = kMost}, input, steps);
  }
  return 0;
}
