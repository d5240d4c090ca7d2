// SPDX-License-Identifier: Apache-2.0
// unclosed-http-body: responses of Go's HTTP client whose body was neither read to its end nor
// closed: each keeps its connection and two goroutines, or in HTTP/2 its stream and a goroutine.
// The socket's own stack tells nothing, for the client dials in a goroutine of its own; the stack
// that sent the request is the culprit's.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kFewForgotten = 3;  // fewer may be bodies that somebody comes back to
constexpr std::size_t kMostCallers = 5;

std::uint64_t forgotten(const GoHttpSite& site) {
  return site.states[static_cast<std::size_t>(GoConnectionState::kBodyOpen)];
}

bool is_library(const Frame& frame) {
  return frame.function.starts_with("net/http.") || frame.function.starts_with("runtime.") ||
         frame.function.starts_with("golang.org/x/net/http2.");
}

// "bearerTransport.RoundTrip ← main.checkImages": the stack without Go's own library.
std::string senders_text(const std::vector<Frame>& stack) {
  std::string text;
  std::size_t told = 0;
  for (const Frame& frame : stack) {
    if (is_library(frame) || told++ >= kMostCallers) continue;
    text += (text.empty() ? "" : " ← ") + frame.function;
  }
  return text;
}

void describe(const Facts& facts, ProcessIndex p, const GoHttpFacts& watched,
              const GoHttpSite& site, std::vector<Finding>& found) {
  const auto is_open = [](const HeldRequest& held) {
    return held.state == GoConnectionState::kBodyOpen;
  };
  const auto oldest = std::ranges::find_if(site.requests, is_open);
  if (oldest == site.requests.end()) return;
  const std::string who = name_with_pid(facts.now.survey, p);
  const std::uint64_t bodies = forgotten(site);
  Finding finding;
  finding.id = id::kUnclosedHttpBody;
  finding.subject = subject_of(facts.now.survey, p);
  finding.severity = bodies >= kFewForgotten ? Severity::kWarning : Severity::kInfo;
  finding.confidence = bodies >= kFewForgotten ? 0.95 : 0.7;
  const bool stream = oldest->request.version == GoHttpVersion::kHttp2;
  if (!stream) finding.measure = measure_of(Kind::kTcp);
  finding.weight = bodies;
  finding.stack = frames_of(watched.stacks, site.stack);
  const auto guilty = std::ranges::find_if_not(finding.stack, is_library);
  const std::string culprit = guilty == finding.stack.end() ? who : frame_text(*guilty);
  finding.summary = fmt::format("{} keeps {} whose response was never closed: {}", who,
                                stream ? counted(bodies, "stream of HTTP/2", "streams of HTTP/2")
                                       : counted(bodies, "connection", "connections"),
                                request_line(oldest->request, Secrets::kMask));
  if (const std::string callers = senders_text(finding.stack); !callers.empty()) {
    finding.evidence.push_back({"sent by", callers});
  }
  finding.evidence.push_back(
      {"oldest", human_duration(oldest->age) + "; its body is neither read nor closed"});
  finding.whose_move = who;
  finding.remedy = fmt::format(
      "{} must read the response's body to its end and close it, also when it does not want it",
      culprit);
  found.push_back(std::move(finding));
}

}  // namespace

void find_unclosed_http_body(const Facts& facts, std::vector<Finding>& found) {
  for (const GoHttpFacts& watched : facts.go_http) {
    const auto p = find_process(facts.now.survey, watched.process);
    if (!p) continue;
    for (const GoHttpSite& site : watched.leaks.sites) describe(facts, *p, watched, site, found);
  }
}

}  // namespace plumb::detect
