// SPDX-License-Identifier: Apache-2.0
// How fast a whole request head in one buffer is parsed, by plumb and by Boost.Beast. The figure is
// bytes of head per second; each parser reads to the end of the message and gives out every field.
#include <benchmark/benchmark.h>
#include <boost/beast/http.hpp>

#include <string>
#include <string_view>

#include "plumb/http/parser.h"

namespace {

namespace beast = boost::beast::http;

// What a browser sends, 0.7 KB.
constexpr std::string_view kBrowser =
    "GET /wiki/Descriptor_table?lang=en&section=14 HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://www.example.org/wiki/File_descriptor\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=yes%7Cno%7Cyes; "
    "_ga=GA1.2.1234567890.1700000000\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Priority: u=0, i\r\n"
    "\r\n";

// What curl sends.
constexpr std::string_view kTool =
    "GET /index.html HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "User-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n"
    "\r\n";

void parse_with_plumb(benchmark::State& state, std::string_view head) {
  plumb::http::RequestParser parser;
  for (auto _ : state) {
    if (parser.next(head).event != plumb::http::Event::kHead) state.SkipWithError("no head");
    for (const plumb::http::Field field : parser.head().fields) benchmark::DoNotOptimize(field);
    if (parser.next({}).event != plumb::http::Event::kEnd) state.SkipWithError("no end");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

// Beast as its users have it: a message with a container of fields.
void parse_with_beast(benchmark::State& state, std::string_view head) {
  for (auto _ : state) {
    beast::request_parser<beast::empty_body> parser;
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error || !parser.is_done()) state.SkipWithError("not done");
    for (const auto& field : parser.get()) benchmark::DoNotOptimize(&field);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

// Beast at its best: its parser with nothing kept, which is as close as it comes to views.
class Bare : public beast::basic_parser<true> {
  using View = boost::beast::string_view;
  using Error = boost::beast::error_code;
  void on_request_impl(beast::verb, View, View target, int, Error&) override {
    benchmark::DoNotOptimize(target);
  }
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(beast::field, View name, View value, Error&) override {
    benchmark::DoNotOptimize(name);
    benchmark::DoNotOptimize(value);
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, Error&) override {}
  std::size_t on_body_impl(View body, Error&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}
};

void parse_with_bare_beast(benchmark::State& state, std::string_view head) {
  for (auto _ : state) {
    Bare parser;
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error || !parser.is_done()) state.SkipWithError("not done");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

}  // namespace

BENCHMARK_CAPTURE(parse_with_plumb, browser, kBrowser);
BENCHMARK_CAPTURE(parse_with_beast, browser, kBrowser);
BENCHMARK_CAPTURE(parse_with_bare_beast, browser, kBrowser);
BENCHMARK_CAPTURE(parse_with_plumb, tool, kTool);
BENCHMARK_CAPTURE(parse_with_beast, tool, kTool);
BENCHMARK_CAPTURE(parse_with_bare_beast, tool, kTool);

BENCHMARK_MAIN();
