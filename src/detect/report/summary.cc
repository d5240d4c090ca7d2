// SPDX-License-Identifier: Apache-2.0
// The machine on one screen.
#include "detect/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/records.h"
#include "detect/report/tree_document.h"
#include "detect/report/wrap.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostFindings = 12;  // the worst; the JSON has all
constexpr std::size_t kMostAlike = 3;      // of these for processes of one name
constexpr std::size_t kMostHolders = 8;
constexpr std::size_t kWidth = 80;  // where the paper does not say
constexpr int kFindingSchema = 1;

std::string process_text(const Survey& survey, ProcessIndex process) {
  std::string text;
  append_process(text, survey, survey.processes[number(process)]);
  return text;
}

class Writer {
 public:
  Writer(const Summary& summary, const Paper& paper)
      : summary_(summary),
        survey_(summary.joined.survey),
        paper_(paper),
        width_(paper.cuts() ? std::clamp<std::size_t>(paper.width, 40, 120) : kWidth) {}

  std::string write() {
    write_head();
    write_findings();
    write_holders();
    write_kinds_line();
    return std::move(out_);
  }

 private:
  void write_head() {
    const bool bpf = survey_.source == Survey::Source::kBpf;
    const std::string all =
        fmt::format("{} processes hold {} descriptors", human_count(survey_.processes.size()),
                    human_count(survey_.descriptors.size()));
    const std::string files =
        fmt::format(" · {} open files", human_count(summary_.joined.sharing.files()));
    const std::string how =
        fmt::format(" · seen in {} by {}", human_duration(survey_.took), bpf ? "BPF" : "/proc");
    const bool fits = cells(all) + cells(files) + cells(how) <= width_;
    paper_.paint(out_, Tone::kStrong, all);
    paper_.paint(out_, Tone::kFaint, (fits ? files : "") + how);
    out_ += '\n';
  }

  void write_findings() {
    if (summary_.found.empty()) {
      out_ += '\n';
      paper_.paint(out_, Tone::kGood, "Nothing looks wrong.");
      out_ += '\n';
      return;
    }
    out_ += '\n';
    paper_.paint(out_, Tone::kBad, "What looks wrong");
    out_ += '\n';
    std::size_t listed = 0;
    std::size_t left = summary_.found.size();
    std::map<std::pair<Glance::What, std::string_view>, std::size_t> alike;
    for (const Glance& found : summary_.found) {
      // Ten workers of one server are one piece of news.
      if (++alike[{found.what, name_of(found)}] > kMostAlike) continue;
      if (listed++ == kMostFindings) break;
      --left;
      paper_.paint(out_, Tone::kBad, "  ● ");
      out_ += wrap(sentence_of(summary_, found), "", "    ", width_ - 4);
      paper_.paint(out_, Tone::kFaint, wrap(remedy(found), "    → ", "      ", width_));
    }
    if (left != 0) out_ += fmt::format("  and {} more: plumb --json has all\n", left);
  }

  std::string_view name_of(const Glance& found) const {
    return survey_.texts.at(survey_.processes[number(found.process)].name);
  }

  // With the pid where the sentence says PID, so that it can be copied.
  std::string remedy(const Glance& found) const {
    std::string text(remedy_of(found.what));
    if (const auto at = text.find("PID"); at != std::string::npos) {
      const Process& process = survey_.processes[number(found.process)];
      text.replace(at, 3, std::to_string(number(process.key.pid)));
    }
    return text;
  }

  void write_holders() {
    std::vector<ProcessIndex> by_size;
    for (std::uint32_t p = 0; p < survey_.processes.size(); ++p) {
      if (summary_.joined.tables.size_of(ProcessIndex{p}) != 0) by_size.push_back(ProcessIndex{p});
    }
    const auto size = [&](ProcessIndex p) { return summary_.joined.tables.size_of(p); };
    std::ranges::stable_sort(by_size, std::ranges::greater{}, size);
    std::size_t names = 16;
    for (std::size_t at = 0; at < std::min(by_size.size(), kMostHolders); ++at) {
      names = std::max(names, cells(process_text(survey_, by_size[at])));
    }
    out_ += '\n';
    paper_.paint(out_, Tone::kStrong,
                 fmt::format("Who holds most{:>{}}{:>9}{:>6}", "", names - 10, "HOLDS", "FULL"));
    out_ += '\n';
    for (std::size_t at = 0; at < std::min(by_size.size(), kMostHolders); ++at) {
      write_holder(by_size[at], names);
    }
  }

  void write_holder(ProcessIndex p, std::size_t names) {
    const auto use = summary_.joined.tables.use_of(p);
    out_ += "  ";
    append_padded(out_, process_text(survey_, p), names + 2);
    out_ += fmt::format("{:>9}", human_count(summary_.joined.tables.size_of(p)));
    const int percent = use ? static_cast<int>(*use * 100) : 0;
    const std::string full = !use ? "" : percent == 0 ? "<1%" : fmt::format("{}%", percent);
    paper_.paint(out_, use && *use >= kNearlyFull ? Tone::kBad : Tone::kFaint,
                 fmt::format("{:>6}", full));
    const std::size_t used = 2 + names + 2 + 9 + 6 + 2;
    out_ += "  ";
    const std::size_t room = width_ > used + 12 ? width_ - used : 12;
    paper_.paint(out_, Tone::kAccent, kinds_text(summary_.joined.tables.counts_of(p), room));
    out_ += '\n';
  }

  void write_kinds_line() {
    KindCounts all{};
    for (const Descriptor& d : survey_.descriptors) ++all[static_cast<std::size_t>(d.kind)];
    out_ += '\n';
    out_ += wrap(kinds_text(all, 2 * width_ - 24), "In all: ", "        ", width_);
  }

  const Summary& summary_;
  const Survey& survey_;
  const Paper& paper_;
  std::size_t width_;
  std::string out_;
};

// "curl http://localhost/…": a command within a sentence.
std::string short_command(const TreeNode& node) {
  return cut_middle(clean(node.command), 60);
}

// A socket's addresses, or its path, without state and queues.
void append_place(std::string& out, const Joined& joined, DescriptorIndex d) {
  const Socket* socket = joined.survey.socket_of(joined.row(d));
  if (socket == nullptr || joined.row(d).kind == Kind::kUnix) {
    append_name(out, joined, d);
    return;
  }
  append_endpoint(out, socket->local, socket->ipv6);
  if (socket->remote == IpEndpoint{}) return;
  out += " ↔ ";
  append_endpoint(out, socket->remote, socket->ipv6);
}

}  // namespace

std::string sentence_of(const Summary& summary, const Glance& found) {
  const Joined& joined = summary.joined;
  std::string text;
  append_process(text, joined.survey, joined.survey.processes[number(found.process)]);
  switch (found.what) {
    case Glance::What::kTableNearlyFull:
      text += fmt::format(" holds {} of its {} descriptors: ", human_count(found.count),
                          human_count(found.limit));
      return text + kinds_text(joined.tables.counts_of(found.process), 50);
    case Glance::What::kQueueFull: {
      text += fmt::format(" does not accept: {} clients wait in a queue of {} on ",
                          human_count(found.count), human_count(found.limit));
      append_place(text, joined, found.example);
      return text;
    }
    case Glance::What::kChildrenPileUp: {
      const TreeNode& node = summary.tree[found.node];
      text += fmt::format(" has {} equal children that do not end: {}", human_count(found.count),
                          short_command(node));
      const auto parties = waiting_of(joined, node.members);
      if (!parties.empty() && !parties.front().call.empty()) {
        text += fmt::format(
            "; {} wait in {}",
            parties.front().count == found.count ? "all" : human_count(parties.front().count),
            waiting_text(joined.survey, parties.front()));
      }
      return text;
    }
    case Glance::What::kZombies:
      return text + fmt::format(" has not waited for {} children that ended: {}",
                                human_count(found.count), short_command(summary.tree[found.node]));
    case Glance::What::kCloseWait:
      text += fmt::format(
          " keeps {} connections that the other side has closed (CLOSE_WAIT), such "
          "as ",
          human_count(found.count));
      append_place(text, joined, found.example);
      return text;
    case Glance::What::kDeletedFiles:
      text +=
          fmt::format(" holds {} of disk in {} deleted file{}, such as ", human_size(found.bytes),
                      human_count(found.count), found.count == 1 ? "" : "s");
      append_clean(text, joined.survey.texts.at(joined.row(found.example).name));
      return text;
  }
  return text;
}

std::string missing_text(const Survey& survey) {
  std::string text;
  for (const Loss& loss : survey.losses) {
    text += fmt::format("lost: {} {}: {}\n", human_count(loss.count), clean(loss.what),
                        clean(loss.why));
  }
  for (const Blind& blind : survey.blinds) {
    text += fmt::format("not seen: {}", clean(blind.what));
    if (!blind.remedy.empty()) text += fmt::format(" ({})", clean(blind.remedy));
    text += '\n';
  }
  return text;
}

void write_summary(const Summary& summary, const Paper& paper, const Sink& sink) {
  sink(Writer(summary, paper).write());
}

void write_summary_json(const Summary& summary, const Sink& sink) {
  JsonWriter json;
  const Survey& survey = summary.joined.survey;
  for (const Glance& found : summary.found) {
    const Process& process = survey.processes[number(found.process)];
    json.begin("finding", kFindingSchema);
    json.member("id", id_of(found.what));
    json.member("pid", number(process.key.pid));
    json.member("start_ticks", process.key.start.count());
    json.member("process", survey.texts.at(process.name));
    json.member("count", found.count);
    if (found.limit != 0) json.member("limit", found.limit);
    if (found.bytes != 0) json.member("bytes", found.bytes);
    json.member("text", std::string_view(sentence_of(summary, found)));
    json.member("remedy", remedy_of(found.what));
    json.end();
  }
  for (std::uint32_t p = 0; p < survey.processes.size(); ++p) {
    write_process(json, summary.joined, ProcessIndex{p});
    if (!pass_on(json, sink)) return;
  }
  write_survey(json, survey);
  sink(json.text());
}

}  // namespace plumb::detect
