// SPDX-License-Identifier: Apache-2.0
// The tree as lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "detect/report/tree_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kNumbers = 24;     // cells of the columns with numbers and the gap behind
constexpr std::size_t kLeastHolds = 26;  // cells for the kinds beside the tree
constexpr std::size_t kMostParties = 3;  // lines on what a folded group waits for

// What the members of a node hold.
struct Holdings {
  std::uint32_t least = 0;
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
    all.least = first ? size : std::min(all.least, size);
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

class TreeWriter {
 public:
  TreeWriter(const Joined& joined, const Paper& paper) : joined_(joined), paper_(paper) {
    if (!paper.cuts()) return;
    const std::size_t room = paper.width > kNumbers ? paper.width - kNumbers : 0;
    holds_width_ = std::max(kLeastHolds, room * 2 / 5);
    tree_width_ = room > holds_width_ + 2 + 16 ? room - holds_width_ - 2 : 16;
  }

  void append_heading(std::string& out) {
    std::string line = fmt::format("{:>7} {:>9} {:>4}  ", "PID", "HOLDS", "FULL");
    append_padded(line, "COMMAND", tree_width_);
    line += "  KINDS";
    paper_.paint(out, Tone::kStrong, line);
    out += '\n';
  }

  void append_node(std::string& out, const TreeNode& node) {
    descend(node);
    const bool folded = node.members.size() > 1;
    const Holdings holds = holdings_of(joined_, node);
    append_numbers(out, node, holds);
    std::string tree = branches_ + (node.depth == 0 ? "" : node.last ? "└─ " : "├─ ");
    const std::size_t indent = cells(tree);
    paper_.paint(out, Tone::kFaint, tree);
    std::string command;
    if (folded) command = fmt::format("{} × ", human_count(node.members.size()));
    append_clean(command, node.command);
    if (command.ends_with(' ')) command.erase(command.find_last_not_of(' ') + 1);
    if (folded && !node.kernel) {
      // Its own details stand below it: the command may take the whole line.
      const std::size_t room = paper_.cuts() ? paper_.width - std::min(paper_.width, kNumbers) : 0;
      append_command(out, command, room > indent ? room - indent : room, Tone::kStrong);
      out += '\n';
      append_group(out, node, holds);
      return;
    }
    append_command(out, command, tree_width_ > indent + 8 ? tree_width_ - indent : 8, Tone::kPlain);
    append_kinds(out, indent + std::min(cells(command), command_width_), holds);
    out += '\n';
  }

 private:
  // Keeps branches_: what stands left of a node at this depth.
  void descend(const TreeNode& node) {
    last_.resize(node.depth + 1);
    last_[node.depth] = node.last;
    branches_.clear();
    const std::size_t most = paper_.cuts() ? tree_width_ / 6 + 1 : node.depth;
    if (node.depth > most) branches_ = "… ";
    const std::size_t from = node.depth > most ? node.depth - most : 1;
    for (std::size_t depth = from; depth < node.depth; ++depth) {
      branches_ += last_[depth] ? "   " : "│  ";
    }
  }

  void append_numbers(std::string& out, const TreeNode& node, const Holdings& holds) {
    const Process& first = joined_.survey.processes[number(node.members.front())];
    out += fmt::format("{:>7} ", number(first.key.pid));
    std::string count = human_count(holds.most);
    if (holds.least != holds.most) count.insert(0, human_count(holds.least) + "–");
    if (holds.error != 0 && holds.most == 0) count = "?";
    if (node.kernel && holds.most == 0) count = "";
    append_padded(out, count, 9, Align::kRight);
    out += ' ';
    std::string full;
    append_padded(full, holds.limited && holds.most != 0 ? percent(holds.fullest) : "", 4,
                  Align::kRight);
    paper_.paint(out, tone_of_use(holds.fullest), full);
    out += "  ";
  }

  void append_command(std::string& out, const std::string& command, std::size_t width, Tone tone) {
    command_width_ = paper_.cuts() ? width : std::string::npos;
    paper_.paint(out, tone, paper_.cuts() ? cut_middle(command, width) : command);
  }

  void append_kinds(std::string& out, std::size_t used, const Holdings& holds) {
    std::string text = kinds_text(holds.kinds, paper_.cuts() ? holds_width_ : 0);
    if (holds.error != 0) text = "not readable";
    if (text.empty()) return;
    const std::size_t column = paper_.cuts() ? tree_width_ : 0;
    if (used < column) out.append(column - used, ' ');
    out += "  ";
    paper_.paint(out, holds.error != 0 ? Tone::kFaint : Tone::kAccent, text);
  }

  void append_group(std::string& out, const TreeNode& node, const Holdings& holds) {
    const std::string kinds = kinds_text(holds.kinds, 0);
    if (!kinds.empty()) append_detail_line(out, node, "each holds " + kinds, Tone::kAccent);
    const auto parties = waiting_of(joined_, node.members);
    std::size_t listed = 0;
    for (const Waiting& party : parties) {
      if (party.call.empty()) continue;
      if (listed++ == kMostParties) break;
      const std::string count =
          party.count == node.members.size() ? "all" : human_count(party.count);
      append_detail_line(out, node, count + " wait in " + waiting_text(joined_.survey, party),
                         Tone::kWarn);
    }
  }

  void append_detail_line(std::string& out, const TreeNode& node, const std::string& text,
                          Tone tone) {
    out.append(kNumbers, ' ');
    std::string lead = branches_;
    if (node.depth != 0) lead += node.last ? "   " : "│  ";
    lead += "    ";
    paper_.paint(out, Tone::kFaint, lead);
    const std::size_t indent = kNumbers + cells(lead);
    const std::size_t room = paper_.width > indent + 8 ? paper_.width - indent : 8;
    paper_.paint(out, tone, paper_.cuts() ? cut_middle(text, room) : text);
    out += '\n';
  }

  const Joined& joined_;
  const Paper& paper_;
  std::size_t tree_width_ = 48;
  std::size_t holds_width_ = 0;
  std::size_t command_width_ = 0;
  std::string branches_;
  std::vector<bool> last_;
};

}  // namespace

std::string waiting_text(const Survey& survey, const Waiting& waiting) {
  std::string text(waiting.call.empty() ? "runs" : waiting.call);
  if (waiting.evidence == WaitEvidence::kNone) return text;
  text.append(" · ");
  if (waiting.evidence == WaitEvidence::kHolding) text += "holds ";
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
  TreeWriter writer(joined, paper);
  std::string piece;
  writer.append_heading(piece);
  for (const TreeNode& node : nodes) {
    writer.append_node(piece, node);
    if (piece.size() < kPiece) continue;
    if (!sink(piece)) return;
    piece.clear();
  }
  sink(piece);
}

}  // namespace plumb::detect
