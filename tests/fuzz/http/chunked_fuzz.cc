// SPDX-License-Identifier: Apache-2.0
// Chunked bodies: whatever the cut, the same content and the same end; never more content than
// input.
#include <algorithm>

#include "cuts.h"
#include "plumb/http/body_parser.h"

namespace {

using namespace plumb;
using What = http::BodyStep::What;

std::string read(std::string_view bytes, std::size_t piece) {
  http::BodyParser parser({http::BodyKind::kChunked, 0, http::Persistence::kKeep}, http::Limits{});
  std::string said;
  for (std::size_t offered = std::min(piece, bytes.size());;) {
    const http::BodyStep step = parser.next(bytes.substr(0, offered));
    said += step.content;
    bytes.remove_prefix(step.consumed);
    offered -= step.consumed;
    if (step.what == What::kFault) return said + " fault " + std::string(name(parser.fault()));
    if (step.what == What::kEnd) {
      for (const http::Field field : parser.trailers())
        said.append("[").append(field.name).append("]");
      return said + " end";
    }
    if (step.what == What::kNeedMore) {
      if (offered == bytes.size()) return said + " more";
      offered = std::min(offered + piece, bytes.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = plumb::test::bytes_of(data, size);
  plumb::test::must_equal(read(bytes, bytes.size() + 1),
                          read(bytes, size == 0 ? 1 : data[0] + std::size_t{1}));
  return 0;
}
