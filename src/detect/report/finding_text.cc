// SPDX-License-Identifier: Apache-2.0
// Findings for people: the answer first, then a block for each, causes under their effects.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/wording.h"
#include "detect/report/finding_document.h"
#include "detect/report/trace_document.h"
#include "detect/report/wrap.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kWidth = 80;  // where the paper does not say
constexpr std::size_t kMostFrames = 12;

Tone tone_of(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return Tone::kBad;
    case Severity::kWarning:
      return Tone::kWarn;
    case Severity::kInfo:
      return Tone::kFaint;
  }
  return Tone::kPlain;
}

class Text {
 public:
  Text(const FindingDocument& document, const Paper& paper)
      : document_(document),
        explanation_(document.explanation),
        paper_(paper),
        width_(paper.cuts() ? std::clamp<std::size_t>(paper.width, 40, 120) : kWidth),
        told_(explanation_.findings.size()) {}

  std::string write() {
    answer();
    for (const FindingIndex effect : explanation_.effects) {
      const bool note = explanation_.at(effect).severity == Severity::kInfo;
      if (note && !document_.everything) {
        ++notes_;
        continue;
      }
      block(effect, 0);
    }
    foot();
    return std::move(out_);
  }

 private:
  void line(std::string_view text = {}) {
    out_ += text;
    out_ += '\n';
  }

  void answer() {
    if (!explanation_.anything_wrong()) {
      paper_.paint(out_, Tone::kGood, "Nothing looks wrong");
      line(fmt::format(" after {} of looking.", human_duration(document_.observed)));
      return;
    }
    bool first = true;
    for (const std::string& one : answer_of(document_, width_)) {
      paper_.paint(out_, first ? Tone::kStrong : Tone::kPlain, one);
      line();
      first = false;
    }
  }

  // Depth is how far below its effect a cause stands.
  void block(FindingIndex index, std::size_t depth) {
    const Finding& finding = explanation_.at(index);
    const std::string indent(2 * std::min<std::size_t>(depth, 8), ' ');
    if (told_[number(index)]) return;
    told_[number(index)] = true;
    line();
    out_ += indent;
    paper_.paint(out_, tone_of(finding.severity), fmt::format("● {}", finding.id));
    paper_.paint(out_, Tone::kFaint,
                 fmt::format("  {}, {:.0f} % sure{}\n", name_of(finding.severity),
                             finding.confidence * 100, depth > 0 ? ", a cause of the above" : ""));
    out_ += wrap(clean(finding.summary), indent + "  ", indent + "  ", width_);
    std::size_t widest = 0;
    for (const Evidence& row : finding.evidence) widest = std::max(widest, cells(row.what));
    for (const Evidence& row : finding.evidence) evidence(row, indent, widest);
    if (document_.everything) stacks(finding, indent);
    if (!finding.remedy.empty()) {
      paper_.paint(out_, Tone::kAccent,
                   wrap(clean(finding.remedy), indent + "  → ", indent + "    ", width_));
    }
    for (const FindingIndex cause : finding.causes) block(cause, depth + 1);
  }

  void evidence(const Evidence& row, const std::string& indent, std::size_t widest) {
    std::string lead = indent + "    ";
    append_padded(lead, clean(row.what), widest + 2);
    const std::string margin(cells(lead), ' ');
    paper_.paint(out_, Tone::kFaint, wrap(clean(row.value), lead, margin, width_));
  }

  void stacks(const Finding& finding, const std::string& indent) {
    const auto tell = [&](std::string_view title, const std::vector<Frame>& frames) {
      if (frames.empty()) return;
      line(fmt::format("{}    {}", indent, title));
      for (std::size_t f = 0; f < std::min(frames.size(), kMostFrames); ++f) {
        const std::string text =
            fmt::format("{}      {}  {}", indent, function_of(frames[f]), place_of(frames[f]));
        paper_.paint(out_, Tone::kFaint, cut_middle(text, width_));
        line();
      }
    };
    tell("acquired by", finding.stack);
    tell("closed by", finding.closer);
  }

  void foot() {
    line();
    if (notes_ > 0) {
      line(counted(notes_, "thing is worth knowing but not wrong in itself: -v tells it",
                   "things are worth knowing but not wrong in themselves: -v tells them"));
    }
    paper_.paint(out_, Tone::kFaint,
                 fmt::format("looked {} times in {}, traced {}\n", document_.looks,
                             human_duration(document_.observed),
                             counted(document_.traced, "process", "processes")));
    for (const std::string& one : document_.missing) {
      paper_.paint(out_, Tone::kWarn, wrap(clean(one), "not seen: ", "          ", width_));
    }
  }

  const FindingDocument& document_;
  const Explanation& explanation_;
  const Paper& paper_;
  std::size_t width_;
  std::vector<bool> told_;
  std::size_t notes_ = 0;
  std::string out_;
};

}  // namespace

void write_findings_text(const FindingDocument& document, const Paper& paper, const Sink& sink) {
  sink(Text(document, paper).write());
}

}  // namespace plumb::detect
