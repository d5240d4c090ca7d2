// SPDX-License-Identifier: Apache-2.0
// Joining requests with the goroutines that serve their connections.
#include "detect/model/go_http_leaks.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace plumb::detect {
namespace {

struct Serving {
  bool in_select = false;  // its readLoop has given the response away
  bool at_rest = false;    // its readLoop waits for bytes
  bool stream = false;     // it is a stream that has not ended
  bool round_trip = false;
  bool read = false;
};

bool waits_in(std::string_view what, const GoroutineSnapshot& snapshot, const Goroutine& one) {
  return one.state == GoroutineState::kWaiting && one.reason < snapshot.wait_reasons.size() &&
         snapshot.wait_reasons[one.reason] == what;
}

bool selects(const GoroutineSnapshot& snapshot, const Goroutine& one) {
  return waits_in("select", snapshot, one);
}

// What serves which connection or stream, which goroutines wait for a response on a stream, and
// where those stand that read one.
struct Known {
  static constexpr std::uint64_t kStreamBytes = 512;  // more than a stream of any version has

  std::unordered_map<std::uint64_t, Serving> by_connection;
  std::unordered_set<std::uint64_t> asking;
  std::set<std::uint64_t> reading;

  bool reads(std::uint64_t stream) const {
    const auto at = reading.lower_bound(stream);
    return at != reading.end() && *at - stream < kStreamBytes;
  }
};

Known serving(const GoroutineSnapshot& snapshot) {
  Known known;
  for (const Goroutine& one : snapshot.goroutines) {
    if (!one.call || one.call->watched >= kGoHttpFunctions.size()) continue;
    const GoHttpCall call = kGoHttpFunctions[one.call->watched].call;
    if (call == GoHttpCall::kStreamTrip) {
      known.asking.insert(number(one.id));
      continue;
    }
    if (call == GoHttpCall::kStreamRead) {
      known.reading.insert(one.call->argument);
      continue;
    }
    Serving& connection = known.by_connection[one.call->argument];
    switch (call) {
      case GoHttpCall::kReadLoop:
        connection.in_select |= selects(snapshot, one);
        connection.at_rest |= waits_in("IO wait", snapshot, one);
        break;
      case GoHttpCall::kStream:
        connection.stream = true;
        break;
      case GoHttpCall::kRoundTrip:
        connection.round_trip = true;
        break;
      case GoHttpCall::kRead:
        connection.read = true;
        break;
      case GoHttpCall::kStreamTrip:
      case GoHttpCall::kStreamRead:
        break;
    }
  }
  return known;
}

GoConnectionState state_of(const GoRequest& request, const Known& known) {
  const auto found = known.by_connection.find(number(request.connection));
  if (found == known.by_connection.end()) return GoConnectionState::kUnknown;
  const Serving& serving = found->second;
  const bool http2 = request.version == GoHttpVersion::kHttp2;
  if (http2 ? known.asking.contains(number(request.goroutine)) : serving.round_trip) {
    return GoConnectionState::kNoAnswer;
  }
  const bool read = http2 ? known.reads(found->first) : serving.read;
  if (read) return GoConnectionState::kBodyRead;
  const bool open = http2 ? serving.stream : serving.in_select;
  return open ? GoConnectionState::kBodyOpen : GoConnectionState::kUnknown;
}

// Whether the connection went back to the pool after that request: nobody waits for an answer, and
// its readLoop waits for bytes of no response.
bool is_idle(const GoRequest& request, const Known& known) {
  const auto found = known.by_connection.find(number(request.connection));
  if (found == known.by_connection.end()) return false;
  if (request.version == GoHttpVersion::kHttp2) return false;
  const Serving& connection = found->second;
  return connection.at_rest && !connection.round_trip && !connection.read;
}

// What no request is known of, though its readLoop waits for a body to end.
void count_before(const std::vector<GoRequest>& requests, const Known& known,
                  const GoroutineSnapshot& snapshot, GoHttpLeaks& leaks) {
  std::unordered_map<std::uint64_t, bool> seen;
  bool matched = requests.empty();
  for (const GoRequest& request : requests) {
    seen[number(request.connection)] = true;
    matched |= known.by_connection.contains(number(request.connection));
  }
  // A compiler that keeps the pointers elsewhere would make all of them strangers.
  if (!matched) return;
  for (const Goroutine& one : snapshot.goroutines) {
    if (!one.call || one.call->watched != static_cast<std::uint8_t>(GoHttpCall::kReadLoop) ||
        !selects(snapshot, one) || seen.contains(one.call->argument)) {
      continue;
    }
    const auto serves = known.by_connection.find(one.call->argument);
    if (serves != known.by_connection.end() && (serves->second.read || serves->second.round_trip))
      continue;
    ++leaks.before;
    if (one.waited) {
      leaks.before_longest = std::max(leaks.before_longest.value_or(*one.waited), *one.waited);
    }
  }
}

// "a=1&b=2" without its values.
std::string masked(std::string_view query) {
  std::string text;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!text.empty()) text += '&';
    const auto equals = part.find('=');
    text += equals == std::string_view::npos ? "…" : std::string(part.substr(0, equals)) + "=…";
  }
  return text;
}

constexpr auto kNames = [] {
  std::array<std::string_view, kGoHttpFunctions.size()> names;
  for (std::size_t index = 0; index < names.size(); ++index) {
    names[index] = kGoHttpFunctions[index].name;
  }
  return names;
}();

}  // namespace

std::span<const std::string_view> go_http_calls() {
  return kNames;
}

std::string_view name_of(GoConnectionState state) {
  switch (state) {
    case GoConnectionState::kBodyOpen:
      return "body open";
    case GoConnectionState::kBodyRead:
      return "body being read";
    case GoConnectionState::kNoAnswer:
      return "no answer yet";
    case GoConnectionState::kUnknown:
      break;
  }
  return "unknown";
}

GoHttpLeaks find_go_http_leaks(const std::vector<GoRequest>& requests,
                               const std::vector<StackNode>& stacks,
                               const GoroutineSnapshot& snapshot, BootTime now,
                               std::chrono::nanoseconds min_age) {
  GoHttpLeaks leaks;
  const Known known = serving(snapshot);
  std::map<StackNode, std::size_t> sites;
  std::map<StackNode, std::uint64_t> idle;
  for (std::size_t index = 0; index < requests.size(); ++index) {
    const GoRequest& request = requests[index];
    const auto age = now - request.sent;
    if (is_idle(request, known)) {
      if (age >= min_age) ++idle[stacks[index]];
      continue;
    }
    if (age < min_age) {
      ++leaks.younger;
      continue;
    }
    const auto [at, added] = sites.try_emplace(stacks[index], leaks.sites.size());
    if (added) leaks.sites.emplace_back().stack = stacks[index];
    GoHttpSite& site = leaks.sites[at->second];
    const GoConnectionState state = state_of(request, known);
    ++site.states[static_cast<std::size_t>(state)];
    site.requests.push_back({request, stacks[index], state, age});
  }
  for (GoHttpSite& site : leaks.sites) {
    std::ranges::stable_sort(site.requests, std::greater{}, &HeldRequest::age);
  }
  std::ranges::stable_sort(leaks.sites, std::greater{}, &GoHttpSite::suspects);
  for (const auto& [stack, connections] : idle) leaks.idle.push_back({stack, connections});
  std::ranges::stable_sort(leaks.idle, std::greater{}, &GoIdleSite::connections);
  count_before(requests, known, snapshot, leaks);
  return leaks;
}

std::string masked_query(const GoRequest& request, Secrets secrets) {
  return secrets == Secrets::kShow ? request.query : masked(request.query);
}

std::string request_line(const GoRequest& request, Secrets secrets) {
  std::string line = request.method.empty() ? "GET" : request.method;
  line += ' ';
  if (!request.scheme.empty()) line += request.scheme + "://";
  line += request.host;
  line += request.path.empty() ? "/" : request.path;
  if (!request.query.empty()) {
    line += '?';
    line += masked_query(request, secrets);
  }
  if (request.shortened) line += "…";
  return line;
}

}  // namespace plumb::detect
