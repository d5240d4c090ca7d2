// SPDX-License-Identifier: Apache-2.0
// Any request to the router: a route or a status, parameters that stand in the path, no dots in
// what could become a file name; and any Range, date or address to what reads those.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plumb/http/parser.h"
#include "plumb/web/router.h"
#include "plumb/web/url.h"
#include "runtime/web/byte_ranges.h"
#include "runtime/web/http_date.h"

namespace {

using namespace plumb;
using namespace plumb::runtime;

void require(bool holds) {
  if (!holds) std::abort();
}

const Router& routes() {
  static const Router* const made = [] {
    auto* const router = new Router;
    const auto handler = [](const Request&) { return Response(); };
    for (const char* pattern :
         {"/", "/users/{id}", "/users/me", "/users/{id}/posts/{post}", "/files/{path...}"}) {
      router->get(pattern, handler);
    }
    router->post("/users/{name}", handler);
    require(router->verdict().ok());
    return router;
  }();
  return *made;
}

void examine_ranges(std::string_view value, std::uint64_t length) {
  const auto verdict = judge_range(value, length);
  std::uint64_t sum = 0;
  for (const auto& range : verdict.ranges) {
    require(range.count != 0 && range.first < length && range.count <= length - range.first);
    sum += range.count;
  }
  require(sum <= length);  // none overlaps another
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  examine_ranges(input, size);
  if (const auto date = parse_http_date(input)) require(parse_http_date(http_date(*date)) == date);
  if (const auto url = Url::parse(input)) {
    const auto again = Url::parse(url->text());
    require(again && again->text() == url->text());
  }
  if (const auto url = Url::parse("http://a/b/c?d")->resolve(input)) {
    require(url->target.starts_with('/'));
  }
  http::RequestParser parser;
  if (parser.next(input).event != http::Event::kHead) return 0;
  Request request(parser.head());
  const auto found = routes().find(request);
  require((found.route != nullptr) != (found.status != 0));
  if (found.route == nullptr) return 0;
  for (const char* name : {"id", "post", "name"}) {
    require(request.parameter(name).find('\0') == std::string_view::npos);
  }
  const std::string path = "/" + std::string(request.parameter("path")) + "/";
  if (request.path().find('%') == std::string_view::npos) {
    require(path.find("/../") == std::string::npos && path.find("/./") == std::string::npos);
  }
  for (const auto& field : parser.head().fields) examine_ranges(field.value, 100);
  request.query_value("name");
  return 0;
}
