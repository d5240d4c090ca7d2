// SPDX-License-Identifier: Apache-2.0
// origin: a server that does everything right: it says how long its answer is, and sends gzip to
// those who ask for it.
#include <sys/socket.h>

#include <array>
#include <thread>
#include <vector>

#include "app/cast/cast.h"
#include "app/cast/wires.h"
#include "plumb/http/coding.h"

namespace plumb::cast {
namespace {

constexpr std::string_view kAlive = "{\"alive\": true, \"since\": 12345}\n";

std::string gzipped(std::string_view text) {
  auto encoder = http::Encoder::make(http::Coding::kGzip);
  if (!encoder) give_up("gzip");
  std::string packed;
  std::array<char, 512> piece;
  for (bool ended = false; !ended;) {
    const auto step = encoder->next(text, piece, http::Flush::kEnd);
    text.remove_prefix(step.consumed);
    packed.append(piece.data(), step.produced);
    ended = step.ended || step.fault;
  }
  return packed;
}

void serve(const UniqueFd& client) {
  while (const auto request = read_head(client.get())) {
    const bool packed =
        field_of(request->head, "accept-encoding").value_or("").find("gzip") != std::string::npos;
    const std::string body = packed ? gzipped(kAlive) : std::string(kAlive);
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
    answer.append(std::to_string(body.size())).append("\r\n");
    if (packed) answer.append("Content-Encoding: gzip\r\n");
    if (!send_all(client.get(), answer + "\r\n" + body)) return;
  }
}

}  // namespace

int origin(int, char**) {
  const UniqueFd listener = listen_here();
  announce(port_of(listener.get()));
  std::vector<std::jthread> threads;
  for (;;) {
    UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) give_up("accept");
    threads.emplace_back([client = std::move(client)] { serve(client); });
  }
}

}  // namespace plumb::cast
