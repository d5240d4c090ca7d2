// SPDX-License-Identifier: Apache-2.0
// Decoding within bounds.
#include "decode_body.h"

#include <array>
#include <cerrno>

#include "plumb/http/coding_policy.h"

namespace plumb::runtime {

std::optional<http::Coding> coding_of(const ReplyHead& head) {
  if (!head.field("content-encoding")) return std::nullopt;
  const auto fields = head.fields().list();
  return http::decide_decode_for_reader({.status = head.status(), .response = fields}).coding;
}

Error coding_error(http::CodingFault fault) {
  const int code = fault == http::CodingFault::kTooLarge ? EMSGSIZE : EPROTO;
  return fail("decode body", std::string(http::name(fault)), code);
}

Result<std::string> decode_whole(const ReplyHead& head, std::string body, std::size_t most) {
  const auto coding = coding_of(head);
  if (!coding || body.empty()) return body;
  auto decoder = http::Decoder::make(*coding, {.output = most});
  if (!decoder) return std::move(decoder).error();
  std::string decoded;
  std::string_view left = body;
  std::array<char, 16 * 1024> room;
  for (;;) {
    const auto step = decoder->next(left, room, http::Last::kYes);
    if (step.fault) return coding_error(*step.fault);
    left.remove_prefix(step.consumed);
    decoded.append(room.data(), step.produced);
    if (step.ended) return decoded;
  }
}

}  // namespace plumb::runtime
