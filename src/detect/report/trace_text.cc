// SPDX-License-Identifier: Apache-2.0
// A trace for people: a table of the origins by what is still held, then each with its stack; who
// closed what; what was missed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include "detect/record/call_name.h"
#include "detect/report/trace_document.h"
#include "detect/report/trace_stack_text.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostClosings = 50;
constexpr std::size_t kMostNames = 3;    // of traced processes in the heading
constexpr std::size_t kMostModules = 6;  // below the report

class Text {
 public:
  Text(const TraceDocument& document, const Paper& paper, const Sink& sink)
      : document_(document), ledger_(document.ledger), paper_(paper), sink_(sink) {}

  void write() {
    heading();
    table();
    lost_stacks();
    origins();
    closings();
    missed();
    modules();
    sink_(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  void painted(Tone tone, std::string_view text) { paper_.paint(out_, tone, text); }
  std::string ago(BootTime then, BootTime now) const { return human_duration(now - then); }

  void heading();
  void table();
  void origins();
  void origin(const Site& site);
  void samples(const Site& site);
  void stack(StackNode node, bool cut) {
    append_stack(out_, paper_, document_.stacks, node, cut);
    told_stacks_.push_back(node);
  }
  void closings();
  void closing(const Closing& closing);
  void lose(std::uint64_t count, std::string_view what);
  void lost_stacks();
  void missed();
  void modules();
  std::string cut_to_paper(std::string text) const {
    return paper_.cuts() ? cut_middle(text, paper_.width) : text;
  }
  std::string holder(Pid pid) const;

  const TraceDocument& document_;
  const TraceLedger& ledger_;
  const Paper& paper_;
  const Sink& sink_;
  std::string out_;
  std::vector<StackNode> told_stacks_;
};

std::string Text::holder(Pid pid) const {
  const TracedProcess* process = ledger_.find(pid);
  return fmt::format("{}({})", process == nullptr ? "" : clean(process->name), number(pid));
}

// How a process ended, as wait(2) has it.
std::string ending(int status) {
  const int signal = status & 0x7f;
  if (signal == 0) return fmt::format("exited with {}", (status >> 8) & 0xff);
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("ended by SIG{}", name)
                         : fmt::format("ended by signal {}", signal);
}

// "+45/s", "+3.2/min": in the unit that needs no exponent.
std::string rate_text(double a_second) {
  constexpr std::array<std::pair<double, std::string_view>, 3> kUnits = {
      {{1, "s"}, {60, "min"}, {3600, "h"}}};
  for (const auto& [factor, unit] : kUnits) {
    const double rate = a_second * factor;
    if (rate < 1 && factor < 3600) continue;
    return fmt::format("{:+.{}f}/{}", rate, rate < 10 ? 1 : 0, unit);
  }
  return {};
}

void Text::heading() {
  std::size_t children = 0;
  std::vector<std::string> names;
  std::string ended;
  for (const auto& [key, process] : ledger_.processes()) {
    if (!process.chosen) {
      ++children;
      continue;
    }
    std::string one = fmt::format("{}({})", clean(process.name), number(process.pid));
    const std::uint32_t execs = process.execs - (document_.command && process.execs > 0 ? 1 : 0);
    if (execs == 1) one += ", which has executed another program";
    if (execs > 1) one += fmt::format(", which has executed {} other programs", execs);
    if (process.stopped) one += ", which is stopped";
    names.push_back(std::move(one));
    if (process.status) ended = ending(*process.status);
  }
  std::string who;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    who += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kMostNames) who += fmt::format(" and {} more", names.size() - kMostNames);
  if (children > 0) who += fmt::format(", {} {}", children, children == 1 ? "child" : "children");
  const auto sites = held_sites(document_);
  std::uint64_t all = 0;
  for (const Site* site : sites) all += held(*site);
  const auto growing =
      std::ranges::count_if(sites, [](const Site* s) { return s->growth == Growth::kGrowing; });
  painted(Tone::kStrong,
          fmt::format("traced {} for {}", who, human_duration(ledger_.now() - ledger_.began())));
  line(names.size() == 1 && !ended.empty() ? "; it " + ended : "");
  out_ += fmt::format("{} held from {} {}, ", human_count(all), sites.size(),
                      sites.size() == 1 ? "origin" : "origins");
  painted(growing > 0 ? Tone::kBad : Tone::kGood, fmt::format("{} growing", growing));
  const std::string age =
      ledger_.min_age().count() == 0 ? "open" : "older than " + human_duration(ledger_.min_age());
  line(fmt::format("; held is what is {}, or was left at the end", age));
  const TraceLosses& lost = document_.losses;
  lose(lost.holdings,
       "holdings more found no room in the ledger: the numbers are too low; see --room");
  lose(lost.missed_runs, "system calls were not looked at: the kernel skipped the program");
  lose(lost.processes, "children more were not followed: no room");
  lose(lost.events, "forks, execs, exits or closes more were not told: no room");
}

// What was missed, beside what that weakens.
void Text::lose(std::uint64_t count, std::string_view what) {
  if (count == 0) return;
  painted(Tone::kWarn, fmt::format("{} {}", human_count(count), what));
  line("");
}

void Text::lost_stacks() {
  lose(document_.losses.stacks,
       "acquisitions without a stack: it found no room, most while plumb was learning");
}

void Text::origins() {
  const auto sites = held_sites(document_);
  std::size_t told = 0;
  for (const Site* site : sites) {
    if (told++ == document_.most_origins) {
      line(fmt::format("\n{} more origins; --json has them all", sites.size() - told + 1));
      return;
    }
    line("");
    origin(*site);
  }
}

// The origins, a line each, as many as are told below.
void Text::table() {
  const auto sites = held_sites(document_);
  if (sites.empty()) return;
  constexpr std::size_t kFigures = 7;
  using Row = std::array<std::string, kFigures>;
  std::vector<Row> rows{{"HELD", "BYTES", "KIND", "GROWTH", "CREATED", "CLOSED", "OLDEST"}};
  const bool bytes = std::ranges::any_of(sites, [](const Site* site) { return sized(*site); });
  for (std::size_t i = 0; i < std::min(sites.size(), document_.most_origins); ++i) {
    const Site& site = *sites[i];
    rows.push_back({human_count(held(site)), sized(site) ? human_size(site.held_bytes) : "",
                    kind_text(document_, site.kind),
                    site.growth == Growth::kGrowing  ? rate_text(growth_rate(document_, site))
                    : site.growth == Growth::kTooFew ? "few"
                                                     : std::string(name_of(site.growth)),
                    human_count(site.created), human_count(site.closed),
                    ago(*site.oldest, ledger_.now())});
  }
  std::array<std::size_t, kFigures> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kFigures; ++i) widths[i] = std::max(widths[i], cells(row[i]));
  }
  std::size_t taken = std::accumulate(widths.begin(), widths.end(), 2 * kFigures);
  if (!bytes) taken -= widths[1] + 2;
  const std::size_t left = !paper_.cuts()              ? std::string::npos
                           : paper_.width > taken + 16 ? paper_.width - taken
                                                       : 16;
  line("");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Site* site = r == 0 ? nullptr : sites[r - 1];
    for (std::size_t i = 0; i < kFigures; ++i) {
      if (i == 1 && !bytes) continue;
      std::string cell;
      append_padded(cell, rows[r][i], widths[i], i == 2 ? Align::kLeft : Align::kRight);
      const bool red = site != nullptr && site->growth == Growth::kGrowing && (i == 0 || i == 3);
      painted(site == nullptr ? Tone::kFaint : red ? Tone::kBad : Tone::kPlain, cell);
      out_ += "  ";
    }
    if (site == nullptr) {
      painted(Tone::kFaint, "ORIGIN");
    } else if (site->special == OriginId::kFirst) {
      painted(Tone::kStrong, origin_in_short(document_.stacks, site->stack, left));
    } else {
      painted(Tone::kFaint, cut_middle(reason_without_stack(site->special), left));
    }
    line("");
  }
}

// Ages from young to old, one block for each power of two seconds, with the first and last named.
std::string histogram(const AgeHistogram& ages) {
  static constexpr std::array<std::string_view, 8> kBlocks = {"▁", "▂", "▃", "▄",
                                                              "▅", "▆", "▇", "█"};
  const auto some = [](std::uint64_t count) { return count > 0; };
  const auto first = std::ranges::find_if(ages, some);
  if (first == ages.end()) return {};
  const auto last = std::find_if(ages.rbegin(), ages.rend(), some).base();
  const std::uint64_t most = *std::max_element(first, last);
  const auto bound = [&](auto at) {
    return human_duration(std::chrono::seconds(std::int64_t{1} << (at - ages.begin())));
  };
  std::string text;
  for (auto at = first; at != last; ++at) {
    text += *at == 0 ? " " : kBlocks[(*at * 8 - 1) / most];
  }
  return fmt::format("{} (up to {}{})", text, bound(first),
                     last - first > 1 ? " … " + bound(last - 1) : "");
}

void Text::origin(const Site& site) {
  const bool growing = site.growth == Growth::kGrowing;
  const bool stacked = site.special == OriginId::kFirst;
  painted(growing ? Tone::kBad : Tone::kStrong,
          fmt::format("{} {} held{}, {}", human_count(held(site)), kind_text(document_, site.kind),
                      sized(site) ? ", " + human_size(site.held_bytes) : "", name_of(site.growth)));
  if (growing) {
    out_ += ' ';
    painted(Tone::kBad, rate_text(growth_rate(document_, site)));
  }
  if (!stacked) {
    line(fmt::format(": {}", reason_without_stack(site.special)));
  } else {
    const std::string_view call = call_name(site.call);
    line(site.call == kNoCall
             ? ""
             : fmt::format(", by {}", call.empty() ? fmt::format("call {}", site.call) : call));
  }
  std::string counts;
  if (stacked) {
    counts =
        fmt::format("{} created, {} closed, ", human_count(site.created), human_count(site.closed));
  }
  counts += fmt::format("{} live", human_count(site.live));
  if (site.ended > 0) {
    counts += fmt::format(", {} of them ended and not waited for", human_count(site.ended));
  }
  if (site.inherited > 0) counts += fmt::format(", {} in children since fork", site.inherited);
  if (site.at_exit > 0) counts += fmt::format(", {} left at the end", human_count(site.at_exit));
  line(fmt::format("  {}; oldest {}, youngest {}, ages {}", counts,
                   ago(*site.oldest, ledger_.now()), ago(*site.youngest, ledger_.now()),
                   histogram(site.ages)));
  samples(site);
  if (stacked) stack(site.stack, site.cut);
}

// The oldest ones; those of one process with the same name and other end on one line.
void Text::samples(const Site& site) {
  struct Told {
    std::string holder;
    std::string what;
    std::string numbers;
  };
  std::vector<Told> told;
  for (const HoldingSample& sample : site.samples) {
    std::string what;
    const auto known = document_.texts.find({sample.pid, sample.fd, sample.file});
    if (known != document_.texts.end()) {
      for (const std::string& text : {known->second.name, known->second.other_end}) {
        if (!text.empty()) what += "  " + text;
      }
    }
    const std::string who = holder(sample.pid);
    std::string identity = identity_of(site.kind, sample);
    if (sized(site)) identity += fmt::format(" ({})", human_size(sample.bytes));
    const auto same = std::ranges::find_if(
        told, [&](const Told& one) { return one.holder == who && one.what == what; });
    if (same != told.end()) {
      same->numbers += ", " + identity;
    } else {
      told.push_back({who, what, std::move(identity)});
    }
  }
  const bool more = held(site) > site.samples.size();
  for (const Told& one : told) {
    painted(Tone::kFaint, cut_to_paper(fmt::format(
                              "  {} {} {}{}{}", one.holder, identity_word(site.kind), one.numbers,
                              more && told.size() == 1 ? ", …" : "", one.what)));
    line("");
  }
}

void Text::closings() {
  const auto told = told_closings(document_);
  if (told.empty()) return;
  line("");
  painted(Tone::kStrong, fmt::format("{} {}closed", told.size(),
                                     document_.all_closings ? ""
                                     : told.size() == 1     ? "listener "
                                                            : "listeners "));
  line("");
  for (std::size_t i = 0; i < std::min(told.size(), kMostClosings); ++i) closing(*told[i]);
  if (told.size() > kMostClosings) {
    line(fmt::format("\n{} more; --json has them all", told.size() - kMostClosings));
  }
  lose(ledger_.closings_left_out(), "closes more than are kept");
}

std::string address_of(const ListenerEvent& listener) {
  if (listener.family == 2) {
    const auto& a = listener.address;
    return fmt::format("{}.{}.{}.{}:{}", a[0], a[1], a[2], a[3], listener.port);
  }
  return listener.family == 10 ? fmt::format("[…]:{}", listener.port) : std::string();
}

void Text::closing(const Closing& closing) {
  const auto closer = ledger_.closer_of(closing);
  const bool finalizer = closer && by_finalizer(document_.stacks, *closer);
  line("");
  std::string what =
      closing.holding.listener ? "listener" : std::string(name_of(closing.holding.kind));
  if (closing.listener) what += " " + address_of(*closing.listener);
  painted(finalizer ? Tone::kBad : Tone::kStrong, what);
  const std::string_view call = call_name(closing.call);
  line(fmt::format(", fd {} of {}, closed by {}", number(closing.holding.fd), holder(closing.pid),
                   call.empty() ? "another descriptor at its number" : call));
  line(fmt::format("  {} after the trace began, {} old", human_duration(ledger_.into(closing.time)),
                   human_duration(closing.time - closing.holding.born)));
  if (finalizer) {
    painted(Tone::kBad, "  by the garbage collector's finalizer: nothing kept it reachable");
    line("");
  }
  if (closing.shared) line("  another descriptor of the same open file stayed open");
  line("  closed by");
  if (closer) {
    stack(*closer, false);
  } else {
    line("      unknown: its stack found no room");
  }
  line("  opened by");
  if (const Site* opener = ledger_.opener_of(closing)) {
    stack(opener->stack, opener->cut);
  } else {
    const OriginId origin = closing.holding.origin;
    line(fmt::format(
        "      unknown: {}",
        reason_without_stack(origin < OriginId::kFirst ? origin : OriginId::kStackLost)));
  }
}

// Where lines are missing, the build id by which their debug information can be found.
void Text::modules() {
  std::set<std::string> lacking;
  for (const StackNode node : told_stacks_) {
    for (const FrameId id : document_.stacks.frames(node)) {
      const Frame& frame = document_.stacks.frame(id);
      // _start is assembler, and has no lines anywhere.
      if (frame.line || frame.build_id.empty() || frame.function == "_start") continue;
      lacking.insert(clean(frame.module) + "  " + frame.build_id.hex());
    }
  }
  if (lacking.empty()) return;
  line("");
  line("without line numbers, by build id");
  std::size_t told = 0;
  for (const std::string& module : lacking) {
    if (told++ == kMostModules) {
      line(fmt::format("  … {} more", lacking.size() - kMostModules));
      return;
    }
    painted(Tone::kFaint, cut_to_paper("  " + module));
    line("");
  }
}

void Text::missed() {
  bool told = false;
  const auto tell = [&](std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    if (!std::exchange(told, true)) line("");
    lose(count, what);
  };
  const TraceRepairs& repaired = document_.repairs;
  tell(document_.unnamed_stacks, "stacks without names: the process ended first");
  if (repaired.found + repaired.gone + repaired.replaced > 0) {
    if (!told) line("");
    line(fmt::format("surveys put right: {} found, {} gone, {} replaced", repaired.found,
                     repaired.gone, repaired.replaced));
  }
}

}  // namespace

void write_trace_text(const TraceDocument& document, const Paper& paper, const Sink& sink) {
  Text(document, paper, sink).write();
}

}  // namespace plumb::detect
