// SPDX-License-Identifier: Apache-2.0
// Chains of waits as trees.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "detect/model/command.h"
#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/waits_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostLines = 6;    // of one process
constexpr std::size_t kMostDepth = 24;   // of one chain
constexpr std::size_t kMostNodes = 400;  // of one chain
constexpr std::size_t kMostEnds = 4;
constexpr std::size_t kMostOthers = 4;  // holders of one end that are followed
constexpr std::size_t kLeastText = 24;  // cells that the indentation leaves

class ChainWriter {
 public:
  ChainWriter(const WaitsDocument& document, const Paper& paper)
      : graph_(document.graph), survey_(graph_.joined().survey), paper_(paper) {
    printed_.resize(survey_.processes.size());
  }

  // Processes whose chains look alike are one tree: that of the first.
  std::string write(std::span<const ProcessIndex> alike) {
    printed_.assign(printed_.size(), false);
    out_.clear();
    nodes_ = 0;
    fold_ = alike.size();
    append_process_lines(alike.front(), 0, Reached::kAsked);
    append_ends(alike.front());
    return std::move(out_);
  }

  // What folds: the name and what stands on its lines, without its own numbers.
  std::string signature(ProcessIndex process) const {
    std::string text(survey_.texts.at(survey_.processes[number(process)].name));
    for (const WaitLine& line : wait_lines(graph_, process)) {
      text += fmt::format("\n{} ", line.wait.call);
      if (!line.party) continue;
      text.append(name_of(line.party->kind)).append(name_of(line.party->via));
      for (const ProcessIndex whom : line.party->whom) text += fmt::format(" {}", number(whom));
      if (line.party->on) text.append(name_of(graph_.joined().row(*line.party->on).kind));
    }
    return text;
  }

 private:
  void append_line(std::size_t depth, bool last, std::string_view text, Tone tone) {
    last_.resize(depth + 1);
    last_[depth] = last;
    std::string lead;
    for (std::size_t d = 1; d < depth; ++d) lead += last_[d] ? "   " : "│  ";
    if (depth != 0) lead += last ? "└─ " : "├─ ";
    paper_.paint(out_, Tone::kFaint, lead);
    const std::size_t room =
        paper_.cuts() ? std::max(paper_.width - std::min(paper_.width, cells(lead)), kLeastText)
                      : 0;
    paper_.paint(out_, tone, room != 0 ? cut_middle(text, room) : std::string(text));
    out_ += '\n';
  }

  // The lines of a process, and below each the processes that it leads to.
  void append_process_lines(ProcessIndex process, std::size_t depth, Reached reached,
                            bool last_of_parent = true) {
    printed_[number(process)] = true;
    auto lines = wait_lines(graph_, process);
    leave_out_noise(lines, reached);
    const auto alike = fold(lines);
    std::string name;
    if (depth == 0 && fold_ > 1) name = human_count(fold_) + " × ";
    append_process(name, survey_, survey_.processes[number(process)]);
    if (lines.empty()) {
      append_line(depth, last_of_parent, name + state_text(process), Tone::kPlain);
      return;
    }
    const std::size_t shown = std::min(lines.size(), kMostLines);
    for (std::size_t l = 0; l < shown; ++l) {
      const bool last = last_of_parent && l + 1 == shown && shown == lines.size();
      const WaitLine& line = lines[l];
      if (++nodes_ > kMostNodes) return;
      const bool locked = !graph_.can_go_on(process);
      append_line(depth, depth == 0 || last, name + " " + wait_line_text(graph_, line),
                  locked   ? Tone::kBad
                  : l == 0 ? Tone::kPlain
                           : Tone::kFaint);
      if (line.party && leads_on(*line.party, reached)) {
        append_whom(*line.party, alike[l] ? 1 : kMostOthers, depth + 1);
      }
    }
    if (shown < lines.size()) {
      append_line(depth, depth == 0 || last_of_parent,
                  fmt::format("… {} more of this process", lines.size() - shown), Tone::kFaint);
    }
  }

  void append_whom(const Party& party, std::size_t most, std::size_t depth) {
    if (depth > kMostDepth) return;
    std::vector<ProcessIndex> next;
    for (const ProcessIndex whom : party.whom) {
      if (!printed_[number(whom)]) next.push_back(whom);
    }
    const std::size_t shown = std::min(next.size(), most);
    for (std::size_t n = 0; n < shown && nodes_ <= kMostNodes; ++n) {
      if (printed_[number(next[n])]) continue;
      append_process_lines(next[n], depth, Reached::kByChain,
                           n + 1 == shown && (most == 1 || shown == next.size()));
    }
    if (most != 1 && shown < next.size()) {
      append_line(depth, true, fmt::format("… {} more", next.size() - shown), Tone::kFaint);
    }
  }

  // A server's clients of one name are one line, with the way of the first one below it. Says which
  // lines are such.
  std::vector<bool> fold(std::vector<WaitLine>& lines) const {
    const auto name = [&](const Party& party) {
      return survey_.texts.at(survey_.processes[number(party.whom.front())].name);
    };
    std::vector<WaitLine> folded;
    std::vector<bool> alike;
    for (WaitLine& line : lines) {
      const bool single = line.party && line.party->on && line.party->whom.size() == 1;
      const auto same = std::ranges::find_if(folded, [&](const WaitLine& other) {
        if (!single || !other.party || !other.party->on || other.party->whom.empty()) return false;
        const Party &a = *line.party, &b = *other.party;
        return line.wait.call == other.wait.call && a.via == b.via && a.mutual == b.mutual &&
               a.accepted == b.accepted && name(a) == name(b) &&
               graph_.joined().row(*a.on).kind == graph_.joined().row(*b.on).kind;
      });
      if (same == folded.end()) {
        folded.push_back(std::move(line));
        alike.push_back(false);
        continue;
      }
      alike[static_cast<std::size_t>(same - folded.begin())] = true;
      same->descriptors += line.descriptors;
      same->party->whom.push_back(line.party->whom.front());
      ++same->party->whom_total;
    }
    lines = std::move(folded);
    return alike;
  }

  // A process that is waited for and serves: its clients are not what it waits for on our behalf.
  // Idle threads and wake-up pipes say nothing where something else does.
  static void leave_out_noise(std::vector<WaitLine>& lines, Reached reached) {
    const auto noise = [&](const WaitLine& line) {
      if (!line.party) return false;
      const Party& party = *line.party;
      if (party.kind == PartyKind::kOwn || party.kind == PartyKind::kFutex) return true;
      return reached == Reached::kByChain && party.accepted &&
             party.evidence != WaitEvidence::kArgument;
    };
    if (std::ranges::all_of(lines, noise)) return;
    std::erase_if(lines, noise);
  }

  std::string state_text(ProcessIndex process) const {
    return survey_.processes[number(process)].state == RunState{'Z'}
               ? " has ended"
               : " waits, for what cannot be seen";
  }

  void append_ends(ProcessIndex process) {
    const auto ends = chain_ends(graph_, process, kMostEnds + 1);
    std::size_t listed = 0;
    for (const ChainEnd& end : ends) {
      if (listed++ == kMostEnds) break;
      const bool locked = end.reason == EndReason::kLocked;
      std::string text = locked ? "● " : "→ ";
      text += chain_end_text(graph_, end);
      paper_.paint(out_, locked ? Tone::kBad : Tone::kStrong,
                   paper_.cuts() ? cut_middle(text, paper_.width) : text);
      out_ += '\n';
    }
    if (ends.size() > kMostEnds) out_ += "→ and others\n";
  }

  const WaitGraph& graph_;
  const Survey& survey_;
  const Paper& paper_;
  std::string out_;
  std::vector<bool> printed_;
  std::vector<bool> last_;
  std::size_t nodes_ = 0;
  std::size_t fold_ = 1;
};

}  // namespace

void write_waits(const WaitsDocument& document, const Paper& paper, const Sink& sink) {
  ChainWriter writer(document, paper);
  std::map<std::string, std::size_t> group_of;
  std::vector<std::vector<ProcessIndex>> groups;
  for (const ProcessIndex process : document.asked) {
    const auto [at, fresh] = group_of.try_emplace(writer.signature(process), groups.size());
    if (fresh) groups.emplace_back();
    groups[at->second].push_back(process);
  }
  std::string piece;
  for (const auto& group : groups) {
    if (&group != &groups.front()) piece += '\n';
    piece += writer.write(group);
    if (!pass_on(piece, sink)) return;
  }
  if (groups.empty()) piece = "nobody waits for another process\n";
  sink(piece);
}

}  // namespace plumb::detect
