// SPDX-License-Identifier: Apache-2.0
// Responses, to requests of each kind: whatever the cut, the parser says the same.
#include "cuts.h"
#include "support/http_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb;
  const auto bytes = test::bytes_of(data, size);
  for (const http::RequestContext request : {http::RequestContext{http::Method::kGet, true},
                                             http::RequestContext{http::Method::kHead, false},
                                             http::RequestContext{http::Method::kConnect, false}}) {
    const test::Feed feed{.answers = request};
    test::must_equal(test::run<http::ResponseParser>(bytes, {}, feed),
                     test::run<http::ResponseParser>(bytes, test::cuts_of(data, size), feed));
  }
  return 0;
}
