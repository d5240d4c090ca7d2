// SPDX-License-Identifier: Apache-2.0
// A trace for people: origins by what is still held, each with its stack; who closed what; what was
// missed.
#include <fmt/format.h>

#include <algorithm>

#include "detect/record/call_name.h"
#include "detect/report/trace_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostFrames = 40;
constexpr std::size_t kMostClosings = 50;

class Text {
 public:
  Text(const TraceDocument& document, const Paper& paper, const Sink& sink)
      : document_(document), ledger_(document.ledger), paper_(paper), sink_(sink) {}

  void write() {
    heading();
    origins();
    closings();
    missed();
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
  void origins();
  void origin(const Site& site);
  void samples(const Site& site);
  void stack(StackNode node, bool cut);
  void closings();
  void closing(const Closing& closing);
  void missed();
  std::string holder(Pid pid) const;

  const TraceDocument& document_;
  const TraceLedger& ledger_;
  const Paper& paper_;
  const Sink& sink_;
  std::string out_;
};

std::string Text::holder(Pid pid) const {
  for (const auto& [key, process] : ledger_.processes()) {
    if (key.pid == pid) return fmt::format("{}({})", clean(process.name), number(pid));
  }
  return fmt::format("({})", number(pid));
}

// How a process ended, as wait(2) has it.
std::string ending(int status) {
  const int signal = status & 0x7f;
  if (signal != 0) return fmt::format("killed by signal {}", signal);
  return fmt::format("exited with {}", (status >> 8) & 0xff);
}

void Text::heading() {
  std::string who;
  std::size_t children = 0;
  for (const auto& [key, process] : ledger_.processes()) {
    if (!process.chosen) {
      ++children;
      continue;
    }
    if (!who.empty()) who += ", ";
    who += fmt::format("{}({})", clean(process.name), number(process.pid));
    if (process.status) who += ", " + ending(*process.status);
  }
  if (children > 0) who += fmt::format(", {} of its children", children);
  const auto sites = held_sites(document_);
  std::uint64_t all = 0;
  for (const Site* site : sites) all += held(*site);
  const auto growing =
      std::ranges::count_if(sites, [](const Site* s) { return s->growth == Growth::kGrowing; });
  painted(Tone::kStrong,
          fmt::format("traced {} for {}", who, human_duration(ledger_.now() - ledger_.began())));
  line("");
  line(fmt::format("{} held from {} origins, {} growing; older than {}, or left at the end",
                   human_count(all), sites.size(), growing, human_duration(ledger_.min_age())));
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
  painted(growing ? Tone::kBad : Tone::kStrong,
          fmt::format("{} {}", human_count(held(site)), name_of(site.kind)));
  out_ += " held, ";
  painted(growing ? Tone::kBad : Tone::kPlain, name_of(site.growth));
  if (growing) out_ += fmt::format(" {:+.2g}/s", growth_rate(document_, site));
  line(fmt::format("; live {}, created {}, closed {}", human_count(site.live),
                   human_count(site.created), human_count(site.closed)));
  std::string more;
  if (site.inherited > 0) more += fmt::format("{} in children since fork, ", site.inherited);
  if (site.at_exit > 0) more += fmt::format("{} left at the end, ", human_count(site.at_exit));
  line(fmt::format("  {}oldest {}, youngest {}, ages {}", more, ago(*site.oldest, ledger_.now()),
                   ago(*site.youngest, ledger_.now()), histogram(site.ages)));
  samples(site);
  if (site.special != OriginId::kFirst) {
    line(fmt::format("    {}", reason_without_stack(site.special)));
    return;
  }
  const std::string_view call = call_name(site.call);
  line(fmt::format("    by {}", call.empty() ? fmt::format("call {}", site.call) : call));
  stack(site.stack, site.cut);
}

void Text::samples(const Site& site) {
  for (const HoldingSample& sample : site.samples) {
    std::string text = fmt::format("  {} fd {}", holder(sample.pid), number(sample.fd));
    const auto known = document_.texts.find({sample.pid, sample.fd, sample.file});
    if (known != document_.texts.end()) {
      if (!known->second.name.empty()) text += "  " + known->second.name;
      if (!known->second.other_end.empty()) text += "  " + known->second.other_end;
    }
    text += sample.at_exit ? "  left at the end" : "  " + ago(sample.born, ledger_.now());
    painted(Tone::kFaint, paper_.cuts() ? cut_middle(text, paper_.width) : text);
    line("");
  }
}

void Text::stack(StackNode node, bool cut) {
  const auto frames = document_.stacks.frames(node);
  std::size_t widest = 0;
  for (const FrameId id : frames) {
    widest = std::max(widest, cells(function_of(document_.stacks.frame(id))));
  }
  widest = std::min<std::size_t>(widest, 48);
  std::size_t told = 0;
  for (const FrameId id : frames) {
    if (told++ == kMostFrames) {
      line(fmt::format("      … {} more", frames.size() - kMostFrames));
      return;
    }
    const Frame& frame = document_.stacks.frame(id);
    std::string text = "      ";
    append_padded(text, function_of(frame), widest);
    out_ += text;
    painted(Tone::kFaint, "  " + place_of(frame));
    line("");
  }
  if (cut) line("      … deeper than was followed");
}

void Text::closings() {
  const auto told = told_closings(document_);
  if (told.empty()) return;
  line("");
  painted(Tone::kStrong, fmt::format("{} closed", told.size()));
  line(document_.all_closings ? "" : " that listened");
  for (std::size_t i = 0; i < std::min(told.size(), kMostClosings); ++i) closing(*told[i]);
  if (told.size() > kMostClosings) {
    line(fmt::format("\n{} more; --json has them all", told.size() - kMostClosings));
  }
}

std::string address_of(const ListenerEvent& listener) {
  if (listener.family == 2) {
    const auto& a = listener.address;
    return fmt::format("{}.{}.{}.{}:{}", a[0], a[1], a[2], a[3], listener.port);
  }
  return listener.family == 10 ? fmt::format("[…]:{}", listener.port) : std::string();
}

void Text::closing(const Closing& closing) {
  const bool finalizer = closing.closer && by_finalizer(document_.stacks, *closing.closer);
  line("");
  std::string what =
      closing.holding.listener ? "listener" : std::string(name_of(closing.holding.kind));
  if (closing.listener) what += " " + address_of(*closing.listener);
  painted(finalizer ? Tone::kBad : Tone::kStrong, what);
  const std::string_view call = call_name(closing.call);
  line(fmt::format(
      " fd {} of {} closed {} after the trace began, {} old, by {}{}", number(closing.holding.fd),
      holder(closing.pid), human_duration(closing.time - ledger_.began()),
      human_duration(closing.time - closing.holding.born),
      call.empty() ? "another descriptor at its number" : call,
      finalizer ? ", from the garbage collector's finalizer: nothing kept it reachable" : ""));
  if (closing.shared) line("  another descriptor of the same open file stayed open");
  line("    closed by");
  if (closing.closer) {
    stack(*closing.closer, false);
  } else {
    line("      unknown: its stack found no room");
  }
  line("    opened by");
  const Site* origin = closing.origin ? &ledger_.sites()[*closing.origin] : nullptr;
  if (origin != nullptr && origin->special == OriginId::kFirst) {
    stack(origin->stack, origin->cut);
  } else {
    line(fmt::format("      unknown: {}",
                     origin == nullptr ? "" : reason_without_stack(origin->special)));
  }
}

void Text::missed() {
  const auto tell = [this](std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    painted(Tone::kWarn, fmt::format("{} {}", human_count(count), what));
    line("");
  };
  const TraceLosses& lost = document_.losses;
  const TraceRepairs& repaired = document_.repairs;
  line("");
  tell(lost.holdings, "descriptors found no room in the ledger: the numbers above are too low");
  tell(lost.stacks,
       "acquisitions without a stack: it found no room, most while plumb was learning");
  tell(lost.events, "forks, execs, exits or closes were not told: no room");
  tell(lost.processes, "children were not followed: no room");
  tell(lost.missed_runs, "system calls were not looked at: the kernel skipped the program");
  tell(document_.unnamed_stacks, "stacks without names: the process ended first");
  tell(ledger_.closings_left_out(), "more closes than are kept");
  if (repaired.found + repaired.gone + repaired.replaced > 0) {
    line(fmt::format("surveys put right: {} found, {} gone, {} replaced", repaired.found,
                     repaired.gone, repaired.replaced));
  }
}

}  // namespace

void write_trace_text(const TraceDocument& document, const Paper& paper, const Sink& sink) {
  Text(document, paper, sink).write();
}

}  // namespace plumb::detect
