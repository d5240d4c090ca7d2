// SPDX-License-Identifier: Apache-2.0
// Requests: whatever the cut, the parser says the same.
#include "cuts.h"
#include "support/http_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb;
  const auto bytes = test::bytes_of(data, size);
  test::must_equal(test::run<http::RequestParser>(bytes, {}),
                   test::run<http::RequestParser>(bytes, test::cuts_of(data, size)));
  return 0;
}
