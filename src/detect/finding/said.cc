// SPDX-License-Identifier: Apache-2.0
// Exchanges without an end, in words.
#include "detect/finding/said.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "detect/finding/wording.h"
#include "detect/model/secrets.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 5s;  // an answer may take a while

}  // namespace

std::string exchange_text(const Exchange& exchange) {
  std::string text = exchange.http.request
                         ? fmt::format("{} {}", exchange.http.request->method,
                                       masked_target(exchange.http.request->target, Secrets::kMask))
                         : "a request";
  if (exchange.http.response) text += fmt::format(" → {}", exchange.http.response->status);
  switch (exchange.state) {
    case FramingState::kUnframed:
      return text + ": no length, not chunked, and the connection is kept";
    case FramingState::kWaitsForLength:
      return text + fmt::format(": {} of its length are missing", human_size(exchange.missing));
    case FramingState::kInChunk:
      return text + ": the chunk that ends it is missing";
    case FramingState::kNoResponse:
      return text + ": no answer";
    default:
      return text + fmt::format(": {}", name_of(exchange.state));
  }
}

Unended unended_of(const Facts& facts, Pid server) {
  std::array<Unended, 3> ways{Unended{FramingState::kNoResponse},
                              {FramingState::kWaitsForLength},
                              {FramingState::kInChunk}};
  if (facts.http == nullptr) return {};
  for (const Exchange& exchange : facts.http->exchanges) {
    const Connection& connection = facts.http->ledger.connection(exchange.connection);
    if (connection.role != Role::kServer || connection.pid != server) continue;
    if (facts.now.survey.taken - connection.last < kPatience) continue;
    const auto way = std::ranges::find(ways, exchange.state, &Unended::state);
    if (way == ways.end()) continue;
    ++way->exchanges;
    way->example = &exchange;
  }
  return *std::ranges::max_element(ways, {}, &Unended::exchanges);
}

}  // namespace plumb::detect
