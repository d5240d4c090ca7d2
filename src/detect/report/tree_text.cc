// SPDX-License-Identifier: Apache-2.0
// The tree as lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/tree_document.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kNumbers = 21;     // cells of PID, HOLDS, FULL and the gap behind them
constexpr std::size_t kLeastKinds = 22;  // cells of KINDS
constexpr std::size_t kMostKinds = 44;
constexpr std::size_t kLeastCommand = 12;
constexpr std::size_t kMostParties = 3;  // lines on what a folded group waits for

// What the members of a node hold.
struct Holdings {
  std::uint32_t most = 0;
  double fullest = 0;  // part of the table in use
  bool limited = false;
  KindCounts kinds{};  // of the member that holds most
  int error = 0;
};

Holdings holdings_of(const Joined& joined, const TreeNode& node) {
  Holdings all;
  bool first = true;
  for (const ProcessIndex member : node.members) {
    const std::uint32_t size = joined.tables.size_of(member);
    if (first || size > all.most) {
      all.most = size;
      all.kinds = joined.tables.counts_of(member);
    }
    if (const auto use = joined.tables.use_of(member)) {
      all.limited = true;
      all.fullest = std::max(all.fullest, *use);
    }
    if (all.error == 0) all.error = joined.survey.processes[number(member)].error;
    first = false;
  }
  return all;
}

Tone tone_of_use(double use) {
  return use >= 0.9 ? Tone::kBad : use >= 0.7 ? Tone::kWarn : Tone::kFaint;
}

// A percentage that never rounds up to full: 99.9 % is not 100 %.
std::string percent(double use) {
  const int value = static_cast<int>(use * 100);
  return use > 0 && value == 0 ? "<1%" : fmt::format("{}%", value);
}

// Parties that differ in the process only, not in its name.
struct PartyLine {
  Waiting first;
  std::uint32_t count = 0;
  std::uint32_t parties = 0;
};

// On a terminal the tree stands before the kinds, and both are cut to their columns; a folded
// group's command takes the whole line, and its kinds stand below it. Elsewhere nothing is cut, so
// that the kinds come first: a command line may be long.
class TreeWriter {
 public:
  TreeWriter(const Joined& joined, const std::vector<TreeNode>& nodes, const Paper& paper)
      : joined_(joined), paper_(paper) {
    room_ = paper.width > kNumbers + kLeastCommand ? paper.width - kNumbers : kLeastCommand;
    const std::size_t most =
        paper.cuts() ? std::clamp(room_ * 3 / 8, kLeastKinds, kMostKinds) : kMostKinds;
    for (const TreeNode& node : nodes) {
      kinds_width_ = std::max(kinds_width_, cells(kinds_of(holdings_of(joined, node), most)));
    }
    tree_width_ = room_ > kinds_width_ + 2 + kLeastCommand ? room_ - kinds_width_ - 2 : room_;
  }

  void append_heading(std::string& out) {
    std::string line = fmt::format("{:>7} {:>6} {:>4}  ", "PID", "HOLDS", "FULL");
    append_padded(line, paper_.cuts() ? "COMMAND" : "KINDS",
                  paper_.cuts() ? tree_width_ : kinds_width_);
    line += paper_.cuts() ? "  KINDS" : "  COMMAND";
    paper_.paint(out, Tone::kStrong, line);
    out += '\n';
  }

  void append_node(std::string& out, const TreeNode& node) {
    descend(node);
    const Holdings holds = holdings_of(joined_, node);
    const bool group = node.members.size() > 1 && !node.kernel;
    append_numbers(out, node, holds);
    if (!paper_.cuts()) append_kinds(out, holds, kinds_width_);
    const std::string tree = branches_ + (node.depth == 0 ? "" : node.last ? "└─ " : "├─ ");
    paper_.paint(out, Tone::kFaint, tree);
    std::string command;
    if (node.members.size() > 1) command = human_count(node.members.size()) + " × ";
    append_clean(command, trim(node.command));
    const std::size_t width = (group ? room_ : tree_width_) - std::min(tree_width_, cells(tree));
    command = cut(command, width);
    paper_.paint(out, group ? Tone::kStrong : Tone::kPlain, command);
    if (paper_.cuts() && !group && holds.most != 0) {
      const std::size_t used = cells(tree) + cells(command);
      out.append(tree_width_ > used ? tree_width_ - used : 0, ' ').append("  ");
      append_kinds(out, holds, 0);
    }
    out += '\n';
    if (group) append_group(out, node, holds);
  }

 private:
  // Keeps branches_: what stands left of a node at this depth. A branch takes three cells; a tree
  // that is deeper than a third of its paper loses its upper branches.
  void descend(const TreeNode& node) {
    last_.resize(node.depth + 1);
    last_[node.depth] = node.last;
    branches_.clear();
    const std::size_t most = paper_.cuts() ? tree_width_ / 9 : 40;
    std::size_t depth = 1;
    if (node.depth > most + 1) {
      branches_ = "… ";
      depth = node.depth - most;
    }
    for (; depth < node.depth; ++depth) branches_ += last_[depth] ? "   " : "│  ";
  }

  // HOLDS is the most that a member holds; the kinds are that member's.
  void append_numbers(std::string& out, const TreeNode& node, const Holdings& holds) {
    const Process& first = joined_.survey.processes[number(node.members.front())];
    out += fmt::format("{:>7} ", number(first.key.pid));
    std::string count = human_count(holds.most);
    if (holds.error != 0 && holds.most == 0) count = "?";
    if (node.kernel && holds.most == 0) count = "";
    append_padded(out, count, 6, Align::kRight);
    out += ' ';
    std::string full;
    append_padded(full, holds.limited && holds.most != 0 ? percent(holds.fullest) : "", 4,
                  Align::kRight);
    paper_.paint(out, tone_of_use(holds.fullest), full);
    out += "  ";
  }

  // Padded to `width` and a gap, where that is not 0.
  void append_kinds(std::string& out, const Holdings& holds, std::size_t width) {
    std::string kinds;
    append_padded(kinds, kinds_of(holds, kinds_width_), width);
    paper_.paint(out, holds.error != 0 ? Tone::kFaint : Tone::kAccent, kinds);
    if (width != 0) out += "  ";
  }

  void append_group(std::string& out, const TreeNode& node, const Holdings& holds) {
    if (paper_.cuts() && holds.most != 0) {
      constexpr std::string_view kEach = "each holds ";
      const std::size_t used = cells(branches_) + 5 + kEach.size();
      const std::size_t left = room_ > used + kLeastCommand ? room_ - used : kLeastCommand;
      append_detail(out, node, std::string(kEach) + kinds_of(holds, left), Tone::kAccent);
    }
    std::size_t listed = 0;
    for (const PartyLine& line : party_lines(node)) {
      if (listed++ == kMostParties) break;
      std::string text = line.count == node.members.size() ? "all" : human_count(line.count);
      text.append(" in ").append(waiting_text(joined_.survey, line.first));
      if (line.parties > 1) text += fmt::format(" and {} others", line.parties - 1);
      append_detail(out, node, text, Tone::kWarn);
    }
  }

  std::vector<PartyLine> party_lines(const TreeNode& node) const {
    const Survey& survey = joined_.survey;
    const auto name_of_whom = [&](const Waiting& w) {
      return w.whom ? survey.texts.at(survey.processes[number(*w.whom)].name) : "";
    };
    std::vector<PartyLine> lines;
    for (const Waiting& party : waiting_of(joined_, node.members)) {
      if (party.call.empty()) continue;
      const auto alike = std::ranges::find_if(lines, [&](const PartyLine& line) {
        const Waiting& other = line.first;
        return other.call == party.call && other.evidence == party.evidence &&
               other.kind == party.kind && other.state == party.state &&
               name_of_whom(other) == name_of_whom(party);
      });
      PartyLine& line = alike == lines.end() ? lines.emplace_back(PartyLine{party}) : *alike;
      line.count += party.count;
      ++line.parties;
    }
    std::ranges::stable_sort(lines, std::ranges::greater{}, &PartyLine::count);
    return lines;
  }

  void append_detail(std::string& out, const TreeNode& node, const std::string& text, Tone tone) {
    out.append(kNumbers + (paper_.cuts() ? 0 : kinds_width_ + 2), ' ');
    std::string lead = branches_;
    if (node.depth != 0) lead += node.last ? "   " : "│  ";
    lead += "  ";
    paper_.paint(out, Tone::kFaint, lead);
    paper_.paint(out, tone, cut(text, room_ - std::min(room_, cells(lead))));
    out += '\n';
  }

  std::string cut(const std::string& text, std::size_t width) const {
    return paper_.cuts() ? cut_middle(text, std::max(width, kLeastCommand)) : text;
  }

  static std::string kinds_of(const Holdings& holds, std::size_t width) {
    return holds.error != 0 ? "not readable" : kinds_text(holds.kinds, width);
  }

  const Joined& joined_;
  const Paper& paper_;
  std::size_t room_ = 0;         // cells behind the numbers
  std::size_t tree_width_ = 0;   // of these, for a command that is no group's
  std::size_t kinds_width_ = 5;  // of the heading
  std::string branches_;
  std::vector<bool> last_;
};

}  // namespace

std::string waiting_text(const Survey& survey, const Waiting& waiting) {
  std::string text(waiting.call.empty() ? "runs" : waiting.call);
  if (waiting.evidence == WaitEvidence::kNone) return text;
  text.append(" · ");
  if (waiting.evidence == WaitEvidence::kHolding) text += "has ";
  text.append(name_of(waiting.kind));
  switch (waiting.state) {
    case EndState::kNone:
      return text;
    case EndState::kHeld:
      text += " → ";
      break;
    case EndState::kAcceptQueue:
      text += " → accept queue of ";
      break;
    case EndState::kNobody:
      return text + " → nobody";
    case EndState::kUnseen:
      return text + " → not visible";
    case EndState::kOutside:
      return text + " → outside";
  }
  if (waiting.whom) append_process(text, survey, survey.processes[number(*waiting.whom)]);
  return text;
}

void write_tree(const Joined& joined, const std::vector<TreeNode>& nodes, const Paper& paper,
                const Sink& sink) {
  TreeWriter writer(joined, nodes, paper);
  std::string piece;
  writer.append_heading(piece);
  for (const TreeNode& node : nodes) {
    writer.append_node(piece, node);
    if (!pass_on(piece, sink)) return;
  }
  sink(piece);
}

}  // namespace plumb::detect
