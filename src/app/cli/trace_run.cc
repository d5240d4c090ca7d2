// SPDX-License-Identifier: Apache-2.0
// The loop of a trace: events as they come, a pass a second, a survey when due, the report.
#include "app/cli/trace_run.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/cli/explain_watch.h"
#include "app/cli/pass_pace.h"
#include "app/cli/replay.h"
#include "app/cli/signals.h"
#include "app/cli/trace_child.h"
#include "app/cli/trace_recorder.h"
#include "app/cli/trace_samples.h"
#include "detect/report/pieces.h"
#include "detect/report/trace_document.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

constexpr auto kShow = 1s;
// Surveys for the explanation: one a second, where that is cheap; at most a twentieth of a
// processor.
constexpr std::chrono::nanoseconds kLook = 1s;
constexpr int kLookShare = 20;

class Run {
 public:
  Run(Context& context, const TracePlan& plan, TraceSession& session)
      : context_(context),
        plan_(plan),
        session_(session),
        live_(!plan.outputs.json && !plan.explanation && ::isatty(STDOUT_FILENO) == 1) {}

  Exit run();

 private:
  Result<void> begin();
  Result<void> watch();
  void turn();
  bool attend_child();
  void end_child();
  void pass(TraceSession::Look survey);
  void record();
  void look_around();
  Exit explain();
  void show();
  Exit report();
  TraceDocument document() const;
  bool over() const;

  Context& context_;
  const TracePlan& plan_;
  TraceSession& session_;
  bool live_;
  Signals signals_;
  std::optional<TraceChild> child_;
  SampleTexts texts_;
  std::unique_ptr<TraceRecorder> recorder_;
  std::vector<LiveHolding> rows_;        // as of the pass that was recorded last
  std::unique_ptr<ExplainWatch> watch_;  // where there is a recording
  BootTime next_look_{};
  BootTime began_{};
  PassPace pace_;
  BootTime next_show_{};
  bool stop_ = false;
};

TraceDocument Run::document() const {
  TraceDocument document{.ledger = session_.ledger(),
                         .stacks = session_.stacks(),
                         .texts = texts_,
                         .losses = session_.source().losses(),
                         .repairs = session_.source().repairs(),
                         .unnamed_stacks = session_.unnamed_stacks(),
                         .kinds = plan_.kinds,
                         .named_kinds = session_.pairs().names(),
                         .all_closings = plan_.all_closings,
                         .command = child_.has_value()};
  return document;
}

Result<void> Run::begin() {
  if (!plan_.recording.empty()) {
    auto recorder = TraceRecorder::open(plan_.recording, plan_.most_bytes);
    if (!recorder) return std::move(recorder).error();
    recorder_ = *std::move(recorder);
  }
  if (plan_.command.empty()) {
    (void)session_.prepare_command({});
    for (const Pid pid : plan_.processes) {
      // One that ended since it was chosen is no reason not to follow the others.
      auto followed = session_.follow(pid);
      if (!followed && plan_.processes.size() == 1) return followed;
    }
  } else {
    auto environment = session_.prepare_command(plan_.command.front());
    if (!environment) return std::move(environment).error();
    auto child = TraceChild::start(plan_.command, *environment);
    if (!child) return std::move(child).error();
    child_.emplace(*std::move(child));
    if (auto followed = session_.follow(child_->pid()); !followed) return followed;
  }
  if (auto looked = session_.look(TraceSession::Look::kNow); !looked) return looked;
  if (recorder_) {
    if (auto watching = watch(); !watching) return watching;
  }
  session_.begin();
  if (child_) {
    if (auto gone = child_->go(); !gone) return gone;
  }
  began_ = BootClock::now();
  pace_.start(began_);
  return {};
}

// What an explanation needs besides the trace is recorded too.
Result<void> Run::watch() {
  std::vector<Pid> chosen = plan_.processes;
  if (child_) chosen = {child_->pid()};
  std::vector<Selector> victims;
  for (const Pid pid : chosen) {
    victims.push_back({Selector::Sort::kPid, std::to_string(number(pid)),
                       std::to_string(number(pid)), static_cast<std::uint32_t>(number(pid))});
  }
  auto watch = ExplainWatch::open(std::move(victims), plan_.secrets);
  if (!watch) return std::move(watch).error();
  watch_ = *std::move(watch);
  for (const Pid pid : watch_->victims()) watch_->follow(pid);
  next_look_ = BootClock::now() + kLook;
  return {};
}

void Run::look_around() {
  const auto looked = watch_->look();
  if (!looked) complain(looked.error().message());
  watch_->listen_in(&session_);
  next_look_ = BootClock::now() + std::max(kLook * watch_->stride(), watch_->cost() * kLookShare);
}

void Run::pass(TraceSession::Look survey) {
  const bool write = recorder_ && recorder_->due(BootClock::now());
  const auto done = session_.look(survey, write ? &rows_ : nullptr);
  if (!done) complain(done.error().message());
  if (write) record();
}

void Run::record() {
  const auto written = recorder_->write(document(), rows_);
  if (written) return;
  complain(written.error().message() + "; the recording ends here");
  stop_ = true;
}

// True while the command is there.
bool Run::attend_child() {
  switch (child_->attend()) {
    case TraceChild::State::kRuns:
      return true;
    case TraceChild::State::kExecuted:
      // What the trace must know of the program it learns while nothing happens.
      (void)session_.listen(0ms);
      session_.prepare(child_->pid());
      child_->let_on();
      return true;
    case TraceChild::State::kEnding:
      // Everything that it leaves is still open, and its files can still be named.
      (void)session_.listen(0ms);
      pass(TraceSession::Look::kNow);
      session_.settle_growth();
      describe_samples(session_.ledger(), texts_);
      if (watch_) look_around();
      child_->let_on();
      return true;
    case TraceChild::State::kGone:
      return false;
  }
  return false;
}

// Asks the command to end, and leaves it alone if it has not after two seconds.
void Run::end_child() {
  child_->ask_to_end();
  for (int i = 0; i < 200 && attend_child(); ++i) ::poll(nullptr, 0, 10);
  (void)session_.listen(0ms);
}

void Run::turn() {
  std::array<pollfd, 2> ready{
      {{session_.source().wait_descriptor(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}}};
  const auto left = std::clamp<std::chrono::nanoseconds>(pace_.next() - BootClock::now(), 0ms, 1s);
  ::poll(ready.data(), ready.size(),
         static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  stop_ |= signals_.take();
  if (const auto heard = session_.listen(0ms); !heard) {
    complain(heard.error().message());
    stop_ = true;
  }
  if (child_ && !attend_child() && session_.ledger().chosen_alive() == 0) stop_ = true;
  if (watch_) watch_->attend();
  if (watch_ && BootClock::now() >= next_look_) look_around();
  const BootTime now = BootClock::now();
  if (now < pace_.next()) return;
  pass(TraceSession::Look::kWhenDue);
  if (live_ && now >= next_show_) {
    show();
    next_show_ = now + kShow;
  }
  pace_.passed(now, BootClock::now());
}

bool Run::over() const {
  if (stop_ || session_.ledger().chosen_alive() == 0) return true;
  return plan_.duration && BootClock::now() - began_ >= *plan_.duration;
}

// The report's beginning in place of the last one, as much as the terminal has lines.
void Run::show() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4;
  const std::size_t rows = known ? size.ws_row - 2U : 22U;
  const std::string text =
      written([&](const Sink& sink) { write_trace_text(document(), context_.paper(), sink); });
  std::string screen = "\x1b[H";
  std::string_view rest = text;
  for (std::size_t row = 0; row < rows && !rest.empty(); ++row) {
    const auto end = rest.find('\n');
    screen += rest.substr(0, end);
    screen += "\x1b[K\n";
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  screen += "\x1b[J^C ends the trace and prints it whole";
  context_.out.write(screen);
  (void)context_.out.finish();
}

Exit Run::report() {
  if (live_) context_.out.write("\x1b[H\x1b[J");
  for (const std::string& blind : session_.blinds()) complain(blind);
  if (recorder_ && !recorder_->whole())
    return report_recording(context_, plan_.recording, plan_.outputs);
  return write_trace(context_, document(), plan_.outputs);
}

Exit Run::explain() {
  for (const std::string& blind : session_.blinds()) complain(blind);
  const Explanation explanation = watch_->conclude(&session_);
  const ExplainOutputs& outputs = *plan_.explanation;
  const bool more = outputs.everything || outputs.json;
  return write_explanation(context_,
                           {.explanation = explanation,
                            .observed = watch_->observation().span(),
                            .looks = watch_->observation().times().size(),
                            .traced = plan_.processes.size() + (child_ ? 1 : 0),
                            .missing = watch_->missing(&session_, {}, more),
                            .everything = outputs.everything},
                           outputs);
}

Exit Run::run() {
  if (const auto begun = begin(); !begun) {
    complain(begun.error().message());
    return begun.error().code == ESRCH ? Exit::kUsage : Exit::kNotPossible;
  }
  if (live_) context_.out.write("\x1b[2J");
  do {
    turn();
  } while (!over());
  (void)session_.listen(0ms);
  if (child_ && !child_->status()) {
    pass(TraceSession::Look::kNow);
    session_.settle_growth();
    end_child();
  }
  const auto looked = session_.look(TraceSession::Look::kNow, recorder_ ? &rows_ : nullptr);
  if (!looked) complain(looked.error().message());
  describe_samples(session_.ledger(), texts_);
  if (recorder_ && recorder_->whole()) record();
  if (watch_) {
    watch_->finish();
    recorder_->keep(watch_->rows(&session_, plan_.processes.size() + (child_ ? 1 : 0), {}));
  }
  return plan_.explanation ? explain() : report();
}

}  // namespace

Exit run_trace(Context& context, const TracePlan& plan) {
  auto session = TraceSession::open(plan.settings);
  if (!session) {
    complain(session.error().message());
    return Exit::kNotPossible;
  }
  return Run(context, plan, **session).run();
}

}  // namespace plumb::app
