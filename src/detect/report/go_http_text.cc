// SPDX-License-Identifier: Apache-2.0
// Held connections for people: by the stack that sent the requests, the certain leaks first.
#include <fmt/format.h>

#include <algorithm>

#include "detect/report/go_http_document.h"
#include "detect/report/trace_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostRequests = 3;
constexpr std::size_t kMostFrames = 60;

std::string_view meaning(GoConnectionState state) {
  switch (state) {
    case GoConnectionState::kBodyOpen:
      return "leaked: the body of the response was neither read to its end nor closed";
    case GoConnectionState::kBodyRead:
      return "whose body is being read";
    case GoConnectionState::kNoAnswer:
      return "waiting for the response";
    case GoConnectionState::kUnknown:
      break;
  }
  return "that did not come back; why is unknown";
}

class Text {
 public:
  Text(const GoHttpDocument& document, const Paper& paper) : document_(document), paper_(paper) {}

  std::string text() {
    heading();
    for (const GoHttpSite& one : document_.leaks.sites) site(one);
    before();
    missed();
    return std::move(out_);
  }

 private:
  void heading();
  void site(const GoHttpSite& site);
  void stack(StackNode node);
  void before();
  void missed();

  const GoHttpDocument& document_;
  const Paper& paper_;
  std::string out_;
};

void Text::heading() {
  std::uint64_t all = 0;
  for (const GoHttpSite& one : document_.leaks.sites) all += one.requests.size();
  paper_.paint(
      out_, Tone::kStrong,
      fmt::format("HTTP requests of {}({}), watched for {}", clean(document_.snapshot.name),
                  number(document_.snapshot.process), human_duration(document_.watched)));
  out_ += fmt::format(
      "\n{} held for more than {}, by requests from {} {}; {} younger\n", human_count(all),
      human_duration(document_.min_age), document_.leaks.sites.size(),
      document_.leaks.sites.size() == 1 ? "place" : "places", human_count(document_.leaks.younger));
}

void Text::site(const GoHttpSite& site) {
  out_ += '\n';
  for (std::size_t index = 0; index < kGoConnectionStates; ++index) {
    if (site.states[index] == 0) continue;
    const auto state = static_cast<GoConnectionState>(index);
    const bool bad = state == GoConnectionState::kBodyOpen;
    const std::string_view many = site.states[index] == 1 ? "connection" : "connections";
    paper_.paint(out_, bad ? Tone::kBad : Tone::kStrong,
                 fmt::format("{} {} {}", human_count(site.states[index]), many, meaning(state)));
    out_ += '\n';
  }
  out_ += fmt::format("  held for {}", human_duration(site.requests.back().age));
  if (site.requests.size() > 1) {
    out_ += " to " + human_duration(site.requests.front().age);
  }
  out_ += '\n';
  for (std::size_t index = 0; index < site.requests.size(); ++index) {
    if (index == kMostRequests) {
      out_ += fmt::format("  … {} more requests\n", human_count(site.requests.size() - index));
      break;
    }
    const HeldRequest& held = site.requests[index];
    const std::string line = clean(request_line(held.request, document_.secrets));
    out_ += fmt::format("  {}  ", human_duration(held.age));
    paper_.paint(out_, Tone::kAccent, line);
    if (held.request.version == GoHttpVersion::kHttp2) out_ += " (HTTP/2)";
    if (number(held.request.goroutine) != 0) {
      out_ += fmt::format(" by goroutine {}", number(held.request.goroutine));
    }
    out_ += '\n';
  }
  out_ += "    sent by\n";
  stack(site.stack);
}

void Text::stack(StackNode node) {
  const StackStore& stacks = document_.snapshot.stacks;
  auto frames = stacks.frames(node);
  while (!frames.empty() && stacks.frame(frames.back()).function.starts_with("runtime.")) {
    frames.pop_back();
  }
  std::size_t widest = 0;
  for (const FrameId id : frames) widest = std::max(widest, cells(function_of(stacks.frame(id))));
  widest = std::min<std::size_t>(widest, 56);
  for (std::size_t index = 0; index < std::min(frames.size(), kMostFrames); ++index) {
    const Frame& frame = stacks.frame(frames[index]);
    out_ += "      ";
    // The caller is looked for among one's own code: the library's frames are every request's.
    const bool library = frame.function.starts_with("net/http.");
    std::string function;
    append_padded(function, function_of(frame), widest);
    paper_.paint(out_, library ? Tone::kFaint : Tone::kPlain, function);
    paper_.paint(out_, Tone::kFaint, "  " + place_of(frame));
    out_ += '\n';
  }
}

void Text::before() {
  const GoHttpLeaks& leaks = document_.leaks;
  if (leaks.before == 0) return;
  out_ += '\n';
  paper_.paint(out_, Tone::kWarn,
               fmt::format("{} connections with an open body from before plumb came",
                           human_count(leaks.before)));
  if (leaks.before_longest)
    out_ += ", the oldest for about " + human_duration(*leaks.before_longest);
  out_ += ":\n  which requests they are of was not seen; nobody reads from them now\n";
}

void Text::missed() {
  const GoRequestLosses& lost = document_.losses;
  if (lost.requests > 0) {
    paper_.paint(out_, Tone::kWarn,
                 fmt::format("\n{} requests found no room: the numbers above are too low",
                             human_count(lost.requests)));
    out_ += '\n';
  }
  if (lost.unread > 0) {
    paper_.paint(out_, Tone::kWarn,
                 fmt::format("\n{} requests could not be read whole", human_count(lost.unread)));
    out_ += '\n';
  }
}

}  // namespace

void write_go_http_text(const GoHttpDocument& document, const Paper& paper, const Sink& sink) {
  sink(Text(document, paper).text());
}

}  // namespace plumb::detect
