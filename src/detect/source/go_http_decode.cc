// SPDX-License-Identifier: Apache-2.0
// Decoding of requests.
#include "detect/source/go_http_decode.h"

#include <algorithm>
#include <string_view>

namespace plumb::detect {
namespace {

template <std::size_t N>
std::string text(const char (&bytes)[N], std::uint32_t length, bool& shortened) {
  if (length > N) shortened = true;
  return std::string(bytes, std::min<std::size_t>(length, N));
}

}  // namespace

GoRequest decode(const abi::go_request& row, std::uint64_t connection) {
  GoRequest request;
  request.version = row.http2 != 0 ? GoHttpVersion::kHttp2 : GoHttpVersion::kHttp1;
  request.connection = Address{connection};
  request.sent = BootTime(std::chrono::nanoseconds(static_cast<std::int64_t>(row.sent)));
  request.goroutine = GoroutineId{row.goroutine};
  request.method = text(row.method, row.method_length, request.shortened);
  request.scheme = text(row.scheme, row.scheme_length, request.shortened);
  request.host = text(row.host, row.host_length, request.shortened);
  request.path = text(row.path, row.path_length, request.shortened);
  request.query = text(row.query, row.query_length, request.shortened);
  for (const std::uint64_t address : row.stack) {
    if (address == 0) break;
    request.stack.push_back(Address{address});
  }
  return request;
}

}  // namespace plumb::detect
