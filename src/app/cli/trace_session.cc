// SPDX-License-Identifier: Apache-2.0
// Joining events, names and the ledger.
#include "app/cli/trace_session.h"

#include <algorithm>
#include <utility>

#include "detect/record/call_name.h"
#include "detect/source/bpf/trace_abi.h"
#include "detect/symbol/walk_rules.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::chrono::seconds kSurveyPause{3};
constexpr std::size_t kMostDead = 8192;
constexpr int kSurveyShare = 50;  // a survey may take a fiftieth of the time

}  // namespace

Result<std::unique_ptr<TraceSession>> TraceSession::open(const TraceSettings& settings) {
  auto source = open_trace(settings.options);
  if (!source) return std::move(source).error();
  return std::unique_ptr<TraceSession>(new TraceSession(*std::move(source), settings));
}

TraceSession::TraceSession(std::unique_ptr<TraceSource> source, const TraceSettings& settings)
    : source_(std::move(source)), ledger_(BootClock::now(), settings.min_age) {}

Result<void> TraceSession::follow(Pid process) {
  // Reading an interpreter for the first time takes a while; it is done before the first event.
  auto view = ProcessView::open(process, access_, modules_);
  if (view) (void)PythonReader::find(*view);
  if (auto followed = source_->follow(process); !followed) return followed;
  // Only that it is there: other processes' stacks, which take time to name, wait until all that
  // were chosen are followed.
  return source_->poll(std::chrono::milliseconds(0), [this](TraceEvent event) {
    const auto* begun = std::get_if<ProcessEvent>(&event);
    if (begun != nullptr && begun->what == ProcessEvent::What::kFork &&
        number(begun->parent) == 0) {
      on(*begun);
    } else {
      waiting_.push_back(std::move(event));
    }
  });
}

Result<void> TraceSession::listen(std::chrono::milliseconds timeout) {
  for (TraceEvent& event : std::exchange(waiting_, {})) take(std::move(event));
  return source_->poll(timeout, [this](TraceEvent event) { take(std::move(event)); });
}

void TraceSession::take(TraceEvent event) {
  if (const auto* stack = std::get_if<StackEvent>(&event)) {
    on(*stack);
  } else if (const auto* process = std::get_if<ProcessEvent>(&event)) {
    on(*process);
  } else if (const auto* listener = std::get_if<ListenerEvent>(&event)) {
    ledger_.on(*listener);
  } else if (const auto* closed = std::get_if<ClosedEvent>(&event)) {
    ledger_.on(*closed);
  }
}

void TraceSession::on(const ProcessEvent& event) {
  ledger_.on(event);
  switch (event.what) {
    case ProcessEvent::What::kFork:
    case ProcessEvent::What::kExec:
      if (const auto old = space_of_.find(event.pid); old != space_of_.end()) {
        leave(old->second, event.pid);
      }
      space_of_[event.pid] = event.space;
      spaces_[event.space].processes.push_back(event.pid);
      look_for_python(event.space, spaces_[event.space], event.pid);
      return;
    case ProcessEvent::What::kExit:
      leave(event.space, event.pid);
      space_of_.erase(event.pid);
      return;
    case ProcessEvent::What::kCode:
      // Where a library came, another may have been: what is known of this space may be stale.
      if (const auto space = spaces_.find(event.space); space != spaces_.end()) {
        if (space->second.view) (void)space->second.view->refresh();  // gone: the old maps serve
        forget_rules(event.space, space->second);
        look_for_python(event.space, space->second, event.pid);
      }
      return;
    case ProcessEvent::What::kUnshare:
      return;
  }
}

void TraceSession::forget_rules(SpaceId id, Space& space) {
  source_->unteach(id, space.taught);
  space.taught.clear();
}

void TraceSession::leave(SpaceId id, Pid pid) {
  const auto found = spaces_.find(id);
  if (found == spaces_.end()) return;
  std::erase(found->second.processes, pid);
  if (!found->second.processes.empty()) return;
  forget_rules(id, found->second);
  if (found->second.python) source_->unteach_python(id);
  if (found->second.view) symbolizer_.forget(found->second.view->process());
  spaces_.erase(found);
  modules_.drop_unused();
}

ProcessView* TraceSession::view_of(Space& space, Pid pid) {
  if (space.view) {
    // Its process may have ended while a fork of it lives on with the same layout.
    const bool alive = std::ranges::count(space.processes, space.view->process()) > 0;
    if (alive || space.processes.empty()) return &*space.view;
    space.python.reset();
    space.view.reset();
  }
  std::vector<Pid> candidates{pid};
  candidates.insert(candidates.end(), space.processes.begin(), space.processes.end());
  for (const Pid candidate : candidates) {
    auto view = ProcessView::open(candidate, access_, modules_);
    if (!view || view->address_space().mappings().empty()) continue;
    space.view.emplace(*std::move(view));
    return &*space.view;
  }
  return nullptr;
}

void TraceSession::look_for_python(SpaceId id, Space& space, Pid pid) {
  ProcessView* view = view_of(space, pid);
  if (view == nullptr || space.python) return;
  space.python = PythonReader::find(*view);
  // Without room there the interpreter's own frames are shown.
  if (space.python)
    (void)source_->teach_python(id, space.python->runtime(), space.python->layout());
}

StackNode TraceSession::name(Space& space, const StackEvent& event, const WalkedStack& walked) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < walked.addresses.size(); ++i) {
    const Address address = walked.addresses[i];
    if (!space.view) {
      // Nothing is known of the space any more; the bare address at least tells stacks apart.
      Frame frame;
      frame.elf_address = ElfAddress{number(address)};
      frames.push_back(std::move(frame));
      continue;
    }
    const Address at = walked.interrupted[i] ? address : address - 1;
    const auto& found = symbolizer_.frames_at(*space.view, at);
    frames.insert(frames.end(), found.begin(), found.end());
  }
  if (!event.python.empty()) {
    look_for_python(event.space, space, event.pid);
    if (space.python) frames = merge_python(std::move(frames), event.python, *space.python);
  }
  std::vector<FrameId> ids;
  ids.reserve(frames.size());
  for (const Frame& frame : frames) ids.push_back(stacks_.intern(frame));
  return stacks_.add(ids);
}

void TraceSession::on(const StackEvent& event) {
  Space& space = spaces_[event.space];
  ProcessView* view = view_of(space, event.pid);
  WalkedStack walked{event.addresses, std::vector<bool>(event.addresses.size(), false), event.cut};
  if (view == nullptr) {
    ++unnamed_;
  } else {
    walked =
        finish_walk(*view, event, abi::kTraceFrames, [&](Address address, const WalkRule& rule) {
          if (source_->teach(event.space, address, rule)) {
            space.taught.push_back(address);
          }
        });
  }
  const StackNode stack = name(space, event, walked);
  ledger_.learn_closer(event.origin, stack);
  if (!is_closing_call(event.call)) {
    ledger_.learn(event.origin, stack, event.kind, event.call, walked.cut);
  }
}

Result<void> TraceSession::look(Look survey) {
  const BootTime began = BootClock::now();
  // What an exec carries over only a survey finds, so ended tables wait for one; not too many.
  std::vector<TableId> dead = ledger_.dead_tables();
  const bool due = survey == Look::kNow || began >= survey_due_ || dead.size() > kMostDead;
  if (!due) dead.clear();
  ledger_.begin_pass(began);
  const TraceSource::Visit visit{
      .live = [this](const LiveHolding& holding) { ledger_.hold(holding); },
      .at_end = [this](const LiveHolding& holding) { ledger_.hold_at_end(holding); },
      .dead = dead};
  auto done = due ? source_->reconcile(visit) : source_->read(visit);
  ledger_.end_pass(source_->counts(), dead);
  if (due) {
    const BootTime now = BootClock::now();
    survey_due_ =
        now + std::max<std::chrono::nanoseconds>(kSurveyPause, (now - began) * kSurveyShare);
  }
  return done;
}

}  // namespace plumb::app
