// SPDX-License-Identifier: Apache-2.0
// Joining events, names and the ledger.
#include "app/cli/trace_session.h"

#include <algorithm>
#include <utility>

#include "detect/record/call_name.h"
#include "detect/source/bpf/trace_abi.h"
#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"
#include "detect/symbol/walk_rules.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::chrono::seconds kSurveyPause{3};
constexpr std::size_t kMostDead = 8192;
constexpr std::size_t kMostStates = 64;      // processes whose state is looked at in each pass
constexpr std::size_t kStatBytes = 4096;     // of /proc/PID/stat
constexpr std::size_t kMostWaiting = 16384;  // stacks without names at a time, half a KiB each
constexpr std::size_t kNamesAtATime = 64;
constexpr std::chrono::milliseconds kNaming{200};  // at most, before others have their turn
constexpr int kSurveyShare = 50;                   // a survey may take a fiftieth of the time

// Whether the same files are mapped as code at the same places.
bool same_code(const AddressSpace& before, const AddressSpace& after) {
  const auto code = [](const AddressSpace& space) {
    std::vector<Mapping> found;
    std::ranges::copy_if(space.mappings(), std::back_inserter(found),
                         [](const Mapping& one) { return one.executable && one.file.inode != 0; });
    return found;
  };
  return std::ranges::equal(code(before), code(after), [](const Mapping& a, const Mapping& b) {
    return a.start == b.start && a.end == b.end && a.file == b.file &&
           a.file_offset == b.file_offset;
  });
}

// To read a program's frame information for the first time takes a while; what is within it is
// understood as far as stacks go.
void read_frame_information(ProcessView& view) {
  for (const Module* module : view.modules()) (void)module->has_rules();
}

}  // namespace

Result<std::unique_ptr<TraceSession>> TraceSession::open(const TraceSettings& settings) {
  auto source = open_trace(settings.options);
  if (!source) return std::move(source).error();
  return std::unique_ptr<TraceSession>(new TraceSession(*std::move(source), settings));
}

TraceSession::TraceSession(std::unique_ptr<TraceSource> source, const TraceSettings& settings)
    : source_(std::move(source)),
      pairs_(*source_, settings.pairs,
             std::ranges::count(settings.options.resources, Kind::kProbe) > 0),
      ledger_(BootClock::now(), settings.min_age),
      calls_seen_(settings.options.descriptors) {
  if (std::ranges::count(settings.options.resources, Kind::kHeap) > 0) {
    heap_.emplace(*source_, settings.options.heap_mean, settings.heap, settings.freed);
  }
}

Result<std::vector<std::string>> TraceSession::prepare_command(const std::string& program) {
  pairs_.prepare(program);
  if (!heap_ || program.empty()) return std::vector<std::string>();
  return heap_->prepare(program);
}

void TraceSession::look_into_files(Pid pid) {
  pairs_.look_at(pid);
  if (heap_) heap_->look_at(pid);
}

std::vector<std::string> TraceSession::blinds() const {
  std::vector<std::string> told = pairs_.blinds();
  if (heap_) told.insert(told.end(), heap_->blinds().begin(), heap_->blinds().end());
  if (untaught_ > 0) {
    told.push_back(std::to_string(untaught_) +
                   " return addresses found no room in the kernel: each acquisition through them "
                   "takes the room of a stack of its own; see --room");
  }
  return told;
}

Result<void> TraceSession::follow(Pid process) {
  if (auto view = ProcessView::open(process, access_, modules_)) {
    read_frame_information(*view);
    (void)PythonReader::find(*view);
    prepared_.insert_or_assign(process, *std::move(view));
  }
  look_into_files(process);
  if (auto followed = source_->follow(process); !followed) return followed;
  // Stacks of those that are followed already are walked, and named once all are followed.
  return source_->poll(std::chrono::milliseconds(0),
                       [this](TraceEvent event) { take(std::move(event)); });
}

void TraceSession::prepare(Pid process) {
  const auto known = space_of_.find(process);
  if (known == space_of_.end()) return;
  if (ProcessView* view = view_of(spaces_[known->second], process)) read_frame_information(*view);
}

Result<void> TraceSession::listen(std::chrono::milliseconds timeout) {
  const auto taken = [this](TraceEvent event) { take(std::move(event)); };
  auto done = source_->poll(timeout, taken);
  // Naming a thousand stacks takes longer than a fast program needs to fill the ring buffer.
  const BootTime enough = BootClock::now() + kNaming;
  while (done && !waiting_.empty() && BootClock::now() < enough) {
    name_some(kNamesAtATime);
    done = source_->poll(std::chrono::milliseconds(0), taken);
  }
  return done;
}

void TraceSession::take(TraceEvent event) {
  if (const auto* stack = std::get_if<StackEvent>(&event)) {
    on(*stack);
  } else if (const auto* process = std::get_if<ProcessEvent>(&event)) {
    if (process->what != ProcessEvent::What::kFork) name_all();  // with the maps as they were
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
      if (auto prepared = prepared_.extract(event.pid); !prepared.empty()) {
        if (event.what == ProcessEvent::What::kFork) {
          auto& view = spaces_[event.space].view.emplace(std::move(prepared.mapped()));
          (void)view.refresh();  // it may have executed another program since
        }
      }
      look_for_scripts(event.space, spaces_[event.space], event.pid);
      look_into_files(event.pid);
      return;
    case ProcessEvent::What::kExit:
      leave(event.space, event.pid);
      space_of_.erase(event.pid);
      return;
    case ProcessEvent::What::kCode:
      code_changed(event.space, event.pid);
      return;
    case ProcessEvent::What::kUnshare:
      return;
  }
}

// Where a library came, another may have been: what is known of this space may be stale.
void TraceSession::code_changed(SpaceId id, Pid pid) {
  look_into_files(pid);
  const auto space = spaces_.find(id);
  if (space == spaces_.end()) return;
  if (space->second.view) (void)space->second.view->refresh();  // gone: the old maps serve
  forget_rules(id, space->second);
  look_for_scripts(id, space->second, pid);
}

// Where no hook tells of new code, the maps do.
void TraceSession::look_at_code() {
  std::vector<std::pair<SpaceId, Pid>> changed;
  for (auto& [id, space] : spaces_) {
    if (!space.view || space.processes.empty()) continue;
    const AddressSpace before = space.view->address_space();
    if (!space.view->refresh()) continue;
    if (!same_code(before, space.view->address_space())) {
      changed.emplace_back(id, space.view->process());
    }
  }
  for (const auto& [id, pid] : changed) code_changed(id, pid);
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
  if (found->second.v8) source_->unteach_v8(id);
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
    space.v8.reset();
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

void TraceSession::look_for_scripts(SpaceId id, Space& space, Pid pid) {
  ProcessView* view = view_of(space, pid);
  if (view == nullptr) return;
  // Without room there the interpreters' own frames are shown.
  if (!space.python && (space.python = PythonReader::find(*view))) {
    (void)source_->teach_python(id, space.python->runtime(), space.python->layout());
  }
  if (!space.v8 && (space.v8 = V8Reader::find(*view))) {
    (void)source_->teach_v8(id, space.v8->frame_layout());
  }
}

StackNode TraceSession::name(Space& space, const Unnamed& stack) {
  const WalkedStack& walked = stack.walked;
  std::vector<Frame> frames;
  auto script = stack.v8.begin();
  for (std::size_t i = 0; i < walked.addresses.size(); ++i) {
    const Address address = walked.addresses[i];
    if (script != stack.v8.end() && script->index == i) {
      frames.push_back(script++->frame);
      continue;
    }
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
  // The sampler is plumb's own: a stack begins with who asked for the block.
  std::erase_if(frames, [](const Frame& frame) { return HeapPreload::is_sampler(frame.module); });
  if (space.python) {
    frames =
        merge_python(std::move(frames), stack.event.python, stack.python, space.python->module());
  }
  std::vector<FrameId> ids;
  ids.reserve(frames.size());
  for (const Frame& frame : frames) ids.push_back(stacks_.intern(frame));
  return stacks_.add(ids);
}

void TraceSession::on(const StackEvent& event) {
  Space& space = spaces_[event.space];
  ProcessView* view = view_of(space, event.pid);
  WalkedStack walked{
      event.addresses, std::vector<bool>(event.addresses.size(), false), event.cut, {}};
  if (view == nullptr) {
    ++unnamed_;
  } else {
    walked =
        finish_walk(*view, event, abi::kTraceFrames, [&](Address address, const WalkRule& rule) {
          if (source_->teach(event.space, address, rule)) {
            space.taught.push_back(address);
          } else {
            ++untaught_;
          }
        });
  }
  std::vector<Frame> python;
  if (!event.python.empty()) {
    look_for_scripts(event.space, space, event.pid);
    if (space.python) python = space.python->names(event.python);
  }
  std::vector<NamedFrame> v8;
  if (!event.v8.empty()) {
    look_for_scripts(event.space, space, event.pid);
    if (space.v8) v8 = name_v8_frames(*space.v8, event.v8, walked);
  }
  waiting_.push_back({event, std::move(walked), std::move(python), std::move(v8)});
  waiting_.back().event.copy = {};
  waiting_.back().event.interrupted = {};
  if (waiting_.size() >= kMostWaiting) name_all();
}

// While the kernel learns it sends the same stack again and again: equal neighbours are named once.
void TraceSession::name_some(std::size_t most) {
  for (; most > 0 && !waiting_.empty(); --most) {
    Unnamed& next = waiting_.front();
    const bool same = named_ && named_->event.space == next.event.space &&
                      named_->walked.addresses == next.walked.addresses &&
                      named_->event.python == next.event.python &&
                      named_->event.v8 == next.event.v8;
    if (!same) named_stack_ = name(spaces_[next.event.space], next);
    ledger_.learn_closer(next.event.origin, named_stack_);
    if (!is_closing_call(next.event.call) && using_call_name(next.event.call).empty()) {
      ledger_.learn(next.event.origin, named_stack_, next.event.kind, next.event.call,
                    next.walked.cut);
    }
    named_ = std::move(next);
    waiting_.pop_front();
  }
  // Until the next one comes its space may know new code.
  if (waiting_.empty()) named_.reset();
}

// Whether the chosen processes are stopped: no event tells.
void TraceSession::look_at_states() {
  ProcReader reader;
  const UniqueFd proc = open_directory(UniqueFd(), "/proc");
  std::size_t looks = kMostStates;
  std::vector<std::pair<ProcessKey, bool>> states;
  for (const auto& [key, process] : ledger_.processes()) {
    if (!process.chosen || process.status || looks-- == 0) continue;
    const auto text = reader.read(proc, ProcPath(number(key.pid), "/stat").c_str(), kStatBytes);
    if (!text) continue;
    const auto stat = parse_stat(*text);
    if (!stat) continue;
    const char state = static_cast<char>(stat->state);
    states.emplace_back(key, state == 'T' || state == 't');
  }
  for (const auto& [key, stopped] : states) ledger_.on_state(key, stopped);
}

Result<std::vector<LiveHolding>> TraceSession::take_resources(Pid process) {
  if (auto heard = listen(std::chrono::milliseconds(0)); !heard) return std::move(heard).error();
  name_all();
  return source_->take_resources(process);
}

Result<void> TraceSession::look(Look survey, std::vector<LiveHolding>* rows) {
  look_at_states();
  if (survey == Look::kNow || !calls_seen_) name_all();  // with the maps as they were
  if (!calls_seen_) look_at_code();
  const BootTime began = BootClock::now();
  // What an exec carries over only a survey finds, so ended tables wait for one; not too many.
  std::vector<TableId> dead = ledger_.dead_tables();
  const bool due = survey == Look::kNow || began >= survey_due_ || dead.size() > kMostDead;
  if (!due) dead.clear();
  ledger_.begin_pass(began);
  if (rows != nullptr) rows->clear();
  const TraceSource::Visit visit{
      .live =
          [this, rows](const LiveHolding& holding) {
            ledger_.hold(holding);
            if (rows != nullptr) rows->push_back(holding);
          },
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
