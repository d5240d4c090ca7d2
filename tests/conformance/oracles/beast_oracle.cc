// SPDX-License-Identifier: Apache-2.0
// What Boost.Beast's request parser makes of each request: reads hexadecimal lines, prints A
// (complete), r (refused) or w (waits for more) for each.
#include <boost/beast/http.hpp>

#include <iostream>
#include <string>

namespace http = boost::beast::http;

namespace {

std::string unhex(const std::string& line) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

char verdict(const std::string& bytes) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  std::size_t at = 0;
  while (!parser.is_done()) {
    boost::beast::error_code error;
    at += parser.put(boost::asio::buffer(bytes.data() + at, bytes.size() - at), error);
    if (error == http::error::need_more) return 'w';
    if (error) return 'r';
  }
  return 'A';
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << verdict(unhex(line)) << "\n";
  return 0;
}
