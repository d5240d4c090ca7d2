// SPDX-License-Identifier: Apache-2.0
// Goroutines for people: groups by size, each with what it does, since when, who started it, and
// its stack without the runtime's innermost frames.
#include <fmt/format.h>

#include <algorithm>

#include "detect/report/goroutines_document.h"
#include "detect/report/trace_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostFrames = 60;
constexpr std::size_t kMostCreators = 3;

bool of_runtime(const Frame& frame) {
  return frame.function.starts_with("runtime.") || frame.function.starts_with("internal/runtime/");
}

class Text {
 public:
  Text(const GoroutinesDocument& document, const Paper& paper)
      : document_(document), snapshot_(document.snapshot), paper_(paper) {}

  std::string text();

 private:
  void heading();
  void group(const GoroutineGroup& group);
  void creators(const GoroutineGroup& group);
  void stack(const GoroutineGroup& group);
  void missed();
  std::string whys(const GoroutineGroup& group) const;

  const GoroutinesDocument& document_;
  const GoroutineSnapshot& snapshot_;
  const Paper& paper_;
  std::string out_;
};

std::string Text::text() {
  heading();
  for (const GoroutineGroup& one : document_.groups) group(one);
  missed();
  return std::move(out_);
}

void Text::heading() {
  const std::uint64_t shown = snapshot_.goroutines.size() - document_.left_out;
  paper_.paint(
      out_, Tone::kStrong,
      fmt::format("{} {} of {}({})", human_count(shown), shown == 1 ? "goroutine" : "goroutines",
                  clean(snapshot_.name), number(snapshot_.process)));
  out_ += fmt::format(
      " in {} {} · {}", human_count(document_.groups.size()),
      document_.groups.size() == 1 ? "group" : "groups",
      snapshot_.go_version.empty() ? "Go of unknown version" : clean(snapshot_.go_version));
  if (document_.left_out > 0) {
    out_ += fmt::format(" · {} of the runtime's own not shown (--all)", document_.left_out);
  }
  out_ += '\n';
}

std::string Text::whys(const GoroutineGroup& group) const {
  std::string text;
  for (const GoroutineGroup::Why& why : group.whys) {
    if (!text.empty()) text += ", ";
    if (group.whys.size() > 1) text += human_count(why.count) + " ";
    text += clean(doing(snapshot_, why.state, why.reason));
  }
  return text;
}

void Text::group(const GoroutineGroup& group) {
  out_ += '\n';
  paper_.paint(out_, Tone::kStrong, human_count(group.members.size()));
  out_ += "  ";
  paper_.paint(out_, Tone::kAccent, whys(group));
  if (group.longest) {
    const std::string least = human_duration(*group.shortest);
    const std::string most = human_duration(*group.longest);
    out_ += least == most ? fmt::format(", for about {}", most)
                          : fmt::format(", for about {} to {}", least, most);
  }
  if (group.members.size() == 1) {
    const Goroutine& one = snapshot_.goroutines[group.members.front()];
    out_ += fmt::format(", goroutine {}", number(one.id));
    if (one.thread) out_ += fmt::format(" on thread {}", number(*one.thread));
    if (one.locked) out_ += ", locked to its thread";
  }
  out_ += '\n';
  stack(group);
  creators(group);
}

void Text::stack(const GoroutineGroup& group) {
  auto frames = snapshot_.stacks.frames(group.stack);
  const auto at = [&](FrameId id) -> const Frame& { return snapshot_.stacks.frame(id); };
  if (!frames.empty() && at(frames.back()).function.starts_with("runtime.goexit")) {
    frames.pop_back();
  }
  // As the runtime's own profile: how a goroutine parks is the same everywhere.
  const auto first = std::ranges::find_if(frames, [&](FrameId id) { return !of_runtime(at(id)); });
  if (first != frames.end()) frames.erase(frames.begin(), first);
  std::size_t widest = 0;
  for (const FrameId id : frames) widest = std::max(widest, cells(function_of(at(id))));
  widest = std::min<std::size_t>(widest, 48);
  if (group.read == GoroutineStack::kRunning || group.read == GoroutineStack::kTorn) {
    paper_.paint(out_, Tone::kFaint,
                 group.read == GoroutineStack::kRunning
                     ? "      running: its stack is in motion; it began with"
                     : "      moved each time that it was read; it began with");
    out_ += '\n';
  }
  for (std::size_t index = 0; index < frames.size(); ++index) {
    if (index == kMostFrames) {
      out_ += fmt::format("      … {} more\n", frames.size() - kMostFrames);
      break;
    }
    out_ += "      ";
    append_padded(out_, function_of(at(frames[index])), widest);
    paper_.paint(out_, Tone::kFaint, "  " + place_of(at(frames[index])));
    out_ += '\n';
  }
  if (group.read == GoroutineStack::kCut) out_ += "      … deeper than could be followed\n";
}

void Text::creators(const GoroutineGroup& group) {
  for (std::size_t index = 0; index < group.creators.size(); ++index) {
    const auto& creator = group.creators[index];
    const auto frames = snapshot_.stacks.frames(creator.stack);
    if (frames.empty()) continue;
    if (index == kMostCreators) {
      out_ += fmt::format("    and by {} more\n", group.creators.size() - kMostCreators);
      return;
    }
    const Frame& frame = snapshot_.stacks.frame(frames.front());
    out_ += group.creators.size() == 1
                ? "    created by "
                : fmt::format("    {} created by ", human_count(creator.count));
    out_ += function_of(frame);
    paper_.paint(out_, Tone::kFaint, "  " + place_of(frame));
    out_ += '\n';
  }
}

void Text::missed() {
  if (snapshot_.unreadable > 0) {
    out_ += '\n';
    paper_.paint(out_, Tone::kWarn,
                 fmt::format("{} more could not be read", human_count(snapshot_.unreadable)));
    out_ += '\n';
  }
  if (snapshot_.layout.find("guessed") != std::string::npos) {
    out_ += '\n';
    paper_.paint(out_, Tone::kWarn,
                 "the version of Go is unknown to plumb; read by " + clean(snapshot_.layout));
    out_ += '\n';
  }
}

}  // namespace

void write_goroutines_text(const GoroutinesDocument& document, const Paper& paper,
                           const Sink& sink) {
  sink(Text(document, paper).text());
}

}  // namespace plumb::detect
