// SPDX-License-Identifier: Apache-2.0
// proxy: the flaw of the first mystery. It asks the origin for gzip by itself, decodes the body,
// drops Content-Length and Content-Encoding, says neither "chunked" nor "close", and keeps the
// connection: nobody behind it can see where an answer ends.
#include <array>

#include "app/cast/cast.h"
#include "app/cast/wires.h"
#include "plumb/http/coding.h"

namespace plumb::cast {
namespace {

std::string unpacked(std::string_view body) {
  auto decoder = http::Decoder::make(http::Coding::kGzip);
  if (!decoder) give_up("gzip");
  std::string text;
  std::array<char, 512> piece;
  for (bool ended = false; !ended;) {
    const auto step = decoder->next(body, piece, http::Last::kYes);
    body.remove_prefix(step.consumed);
    text.append(piece.data(), step.produced);
    ended = step.ended || step.fault;
  }
  return text;
}

class Proxy {
 public:
  explicit Proxy(std::uint16_t origin) : origin_(origin) {}
  // False where the client has gone.
  bool pass_on(int client);

 private:
  std::string ask_origin(std::string_view request);

  std::uint16_t origin_;
  UniqueFd upstream_;  // kept from one request to the next
};

// The answer as the client gets it.
std::string Proxy::ask_origin(std::string_view request) {
  if (!upstream_) upstream_ = connect_to(origin_);
  const std::string first(request.substr(0, request.find("\r\n")));
  send_all(upstream_.get(), first + "\r\nHost: origin\r\nAccept-Encoding: gzip\r\n\r\n");
  auto answer = read_head(upstream_.get());
  if (!answer) {
    upstream_.reset();
    return "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
  }
  read_body(upstream_.get(), *answer);
  const std::string type = field_of(answer->head, "content-type").value_or("text/plain");
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n\r\n" + unpacked(answer->body);
}

bool Proxy::pass_on(int client) {
  const auto request = read_head(client);
  return request && send_all(client, ask_origin(request->head));
}

}  // namespace

int proxy(int argc, char** argv) {
  Proxy proxy(port_argument(argc, argv));
  serve([&](int client) { return proxy.pass_on(client); });
}

}  // namespace plumb::cast
