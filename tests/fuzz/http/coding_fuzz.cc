// SPDX-License-Identifier: Apache-2.0
// A content coding: any input decodes within the limits or meets a named fault, and what was
// encoded decodes to itself.
#include <algorithm>
#include <vector>

#include "cuts.h"
#include "plumb/http/coding.h"

namespace {

using namespace plumb;
constexpr http::Coding kCoding = http::Coding::PLUMB_FUZZED_CODING;
constexpr std::uint64_t kMostOutput = 1 << 20;

// The content, or nothing where a fault was met.
std::optional<std::string> decode(std::string_view bytes, std::size_t piece) {
  auto decoder = http::Decoder::make(kCoding, {.output = kMostOutput, .window_bits = 20});
  std::vector<char> room(4096);
  std::string content;
  for (std::size_t offered = std::min(piece, bytes.size());;) {
    const auto last = offered == bytes.size() ? http::Last::kYes : http::Last::kNo;
    const http::CodingStep step = decoder->next(bytes.substr(0, offered), room, last);
    if (step.consumed > offered || step.produced > room.size()) std::abort();
    content.append(room.data(), step.produced);
    if (content.size() > kMostOutput + room.size()) std::abort();
    bytes.remove_prefix(step.consumed);
    offered -= step.consumed;
    if (step.fault) return std::nullopt;
    if (step.ended) return content;
    if (step.consumed == 0 && step.produced == 0) {
      if (last == http::Last::kYes) std::abort();  // neither progress, nor an end, nor a fault
      offered = std::min(offered + piece, bytes.size());
    }
  }
}

std::string encode(std::string_view text) {
  auto encoder = http::Encoder::make(kCoding, 1);
  std::vector<char> room(4096);
  std::string coded;
  for (bool ended = false; !ended;) {
    const http::CodingStep step = encoder->next(text, room, http::Flush::kEnd);
    coded.append(room.data(), step.produced);
    text.remove_prefix(step.consumed);
    ended = step.ended;
  }
  return coded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = test::bytes_of(data, size);
  const std::size_t piece = size == 0 ? 1 : data[0] + std::size_t{1};
  const auto whole = decode(bytes, bytes.size() + 1);
  const auto cut = decode(bytes, piece);
  if (whole != cut) std::abort();
  const auto again = decode(encode(bytes), piece);
  if (!again || *again != bytes) std::abort();
  return 0;
}
