// SPDX-License-Identifier: Apache-2.0
// Matching of legs.
#include "detect/model/exchange_legs.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "plumb/http/field_text.h"

namespace plumb::detect {
namespace {

constexpr std::array<std::string_view, 4> kFraming = {"content-length", "transfer-encoding",
                                                      "connection", "content-encoding"};
constexpr std::array<std::string_view, 8> kHop = {
    "date", "server", "via", "keep-alive", "x-cache", "x-cache-lookup", "age", "x-request-id"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), http::lower);
  return out;
}

// "/a?b" of "http://host/a?b" too.
std::string_view path_of(std::string_view target) {
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

using FieldMap = std::map<std::string, std::string>;
FieldMap fields_of(const http::ObservedResponse& response) {
  FieldMap fields;
  for (const http::ObservedField& field : response.fields) {
    std::string& value = fields[lower(field.name)];
    if (!value.empty()) value += ", ";
    value += field.value;
  }
  return fields;
}

std::optional<std::string> value_in(const FieldMap& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::nullopt : std::optional(found->second);
}

// The end of what is known of an exchange; one under way goes on for ever.
BootTime end_of(const Exchange& exchange) {
  const bool ended = exchange.state == FramingState::kComplete && exchange.http.response;
  return ended ? exchange.http.response->last : BootTime::max();
}

// How well an upstream leg fits: more is better, 0 is not at all.
int fit(const Exchange& down, const Exchange& up) {
  if (!down.http.request || !up.http.request) return 0;
  const auto& asked = *down.http.request;
  const auto& passed_on = *up.http.request;
  if (asked.method != passed_on.method) return 0;
  if (passed_on.began < asked.began || passed_on.began > end_of(down)) return 0;
  if (!same_target(asked.target, passed_on.target)) return 0;
  int points = path_of(asked.target) == path_of(passed_on.target) ? 4 : 2;
  if (asked.content == passed_on.content) ++points;
  if (down.http.response && up.http.response) {
    if (down.http.response->status == up.http.response->status) ++points;
    if (down.http.response->content == up.http.response->content) ++points;
  }
  return points;
}

}  // namespace

bool same_target(std::string_view a, std::string_view b) {
  const std::string_view x = path_of(a), y = path_of(b);
  if (x == y) return true;
  if (x.size() < 2 || y.size() < 2) return false;  // "/" is the end of nothing in particular
  return x.ends_with(y) || y.ends_with(x);
}

std::vector<FieldDifference> differences_of(const http::ObservedResponse& upstream,
                                            const http::ObservedResponse& downstream) {
  const FieldMap up = fields_of(upstream), down = fields_of(downstream);
  std::set<std::string> names;
  for (const auto* fields : {&up, &down}) {
    for (const auto& [name, value] : *fields) names.insert(name);
  }
  std::vector<FieldDifference> found;
  const auto compare = [&](const std::string& name) {
    auto from = value_in(up, name), to = value_in(down, name);
    if (from != to) found.push_back({name, std::move(from), std::move(to)});
  };
  for (const std::string_view name : kFraming) {
    compare(std::string(name));
    names.erase(std::string(name));
  }
  for (const std::string& name : names) {
    if (std::ranges::find(kHop, name) == kHop.end()) compare(name);
  }
  return found;
}

void match_legs(const ExchangeLedger& ledger, std::span<Exchange> exchanges) {
  std::map<Pid, std::vector<Exchange*>> served, asked;
  for (Exchange& exchange : exchanges) {
    const Connection& connection = ledger.connection(exchange.connection);
    if (!exchange.http.request) continue;
    (connection.role == Role::kServer ? served : asked)[connection.pid].push_back(&exchange);
  }
  const auto began = [](const Exchange* e) { return e->http.request->began; };
  for (auto& [pid, legs] : served) {
    const auto own = asked.find(pid);
    if (own == asked.end()) continue;
    std::ranges::sort(legs, {}, began);
    std::ranges::sort(own->second, {}, began);
    std::vector<bool> used(own->second.size());
    for (Exchange* down : legs) {
      const auto first =
          std::ranges::lower_bound(own->second, down->http.request->began, {}, began);
      std::optional<std::size_t> best;
      int most = 0;
      constexpr std::ptrdiff_t kMostTried = 256;
      const auto last =
          std::min(first + std::min(kMostTried, own->second.end() - first), own->second.end());
      for (auto up = first; up != last; ++up) {
        const auto index = static_cast<std::size_t>(up - own->second.begin());
        const int points = used[index] ? 0 : fit(*down, **up);
        if (points > most) {
          most = points;
          best = index;
        }
      }
      if (!best) continue;
      used[*best] = true;
      const Exchange& up = *own->second[*best];
      down->upstream = up.id;
      if (up.http.response && down->http.response) {
        down->differences = differences_of(*up.http.response, *down->http.response);
      }
    }
  }
}

}  // namespace plumb::detect
