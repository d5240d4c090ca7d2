// SPDX-License-Identifier: Apache-2.0
// A check for people: one line when nothing leaked; else each origin with its samples and stack.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detect/record/call_name.h"
#include "detect/report/check_document.h"
#include "detect/report/trace_stack_text.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostGroups = 50;

class Text {
 public:
  Text(const CheckDocument& document, const Paper& paper) : document_(document), paper_(paper) {}

  std::string write() {
    heading();
    for (std::size_t i = 0; i < std::min(kMostGroups, document_.verdict.leaks.size()); ++i) {
      group(document_.verdict.leaks[i]);
    }
    if (document_.verdict.leaks.size() > kMostGroups) {
      line(fmt::format("\n{} more origins; --json has them all",
                       document_.verdict.leaks.size() - kMostGroups));
    }
    if (document_.tell_excused) excused();
    missed();
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  void painted(Tone tone, std::string_view text) {
    paper_.paint(out_, tone, text);
    out_ += '\n';
  }
  std::string cut(std::string text) const {
    return paper_.cuts() ? cut_middle(text, paper_.width) : text;
  }
  void heading();
  void group(const LeakGroup& group);
  void sample(const Leftover& left);
  void excused();
  void missed();

  const CheckDocument& document_;
  const Paper& paper_;
  std::string out_;
};

void Text::heading() {
  const std::uint64_t leaked = document_.verdict.leaked();
  const std::string by =
      fmt::format("{} process{} of {}", human_count(document_.processes),
                  document_.processes == 1 ? "" : "es", clean(document_.command));
  if (leaked == 0) {
    painted(Tone::kGood, cut(fmt::format("plumb check: nothing leaked by {}", by)));
  } else {
    painted(Tone::kBad, cut(fmt::format("plumb check: {} leaked from {} origin{} by {}",
                                        human_count(leaked), document_.verdict.leaks.size(),
                                        document_.verdict.leaks.size() == 1 ? "" : "s", by)));
  }
}

void Text::sample(const Leftover& left) {
  std::string text = "  ";
  if (left.what == Leftover::What::kFile) {
    text += left.name;
    if (left.within > 0) text += fmt::format(" and {} within it", human_count(left.within));
    text += fmt::format(", made by {}({})", clean(left.process), number(left.pid));
  } else {
    text += fmt::format("{}({})", clean(left.process), number(left.pid));
    if (left.fd) text += fmt::format(" fd {}", number(*left.fd));
    if (!left.name.empty()) text += "  " + left.name;
    if (!left.other_end.empty()) text += "  " + left.other_end;
    if (!left.command.empty() && left.what != Leftover::What::kDescriptor &&
        left.what != Leftover::What::kResource) {
      text += "  " + clean(left.command);
    }
    if (left.within > 0) text += fmt::format(", with {} of its own", human_count(left.within));
  }
  painted(Tone::kFaint, cut(std::move(text)));
}

void Text::group(const LeakGroup& group) {
  const Leftover& left = group.first();
  line("");
  painted(group.excuse ? Tone::kPlain : Tone::kStrong, cut(summary_of(document_, group)));
  for (const Leftover& one : group.samples) sample(one);
  if (group.count > group.samples.size()) {
    painted(Tone::kFaint,
            fmt::format("  … {} more", human_count(group.count - group.samples.size())));
  }
  if (left.stack != StackStore::kEmpty) {
    append_stack(out_, paper_, document_.stacks, left.stack, left.cut);
  } else if (!left.no_stack.empty()) {
    painted(Tone::kWarn, "      no stack: " + left.no_stack);
  }
}

void Text::excused() {
  if (document_.verdict.excused.empty()) return;
  line("");
  painted(Tone::kStrong, "not leaks");
  for (const LeakGroup& group : document_.verdict.excused) {
    std::string why(name_of(*group.excuse));
    if (group.pattern) {
      why = fmt::format("{}: {}", document_.allow.where(*group.pattern),
                        clean(document_.allow.text(*group.pattern)));
    }
    line(cut(fmt::format("  {} ({})", summary_of(document_, group), why)));
  }
}

void Text::missed() {
  for (const Loss& loss : document_.losses) {
    painted(Tone::kWarn, cut(fmt::format("plumb check: {} {}: {}", human_count(loss.count),
                                         loss.what, loss.why)));
  }
  if (!document_.reduced.empty()) {
    painted(Tone::kWarn, cut("plumb check: reduced: " + document_.reduced));
  }
}

}  // namespace

void write_check_text(const CheckDocument& document, const Paper& paper, const Sink& sink) {
  sink(Text(document, paper).write());
}

}  // namespace plumb::detect
