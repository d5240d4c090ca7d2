// SPDX-License-Identifier: Apache-2.0
// The survey from BPF iterators: one pass over the threads, one over the descriptors, and /proc for
// the few texts that they do not show.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "detect/source/bpf_iterator.h"
#include "detect/source/bpf_support.h"
#include "detect/source/bpf_types.h"
#include "detect/source/process_texts.h"
#include "detect/source/row_room.h"
#include "detect/source/survey_rows.h"
#include "detect/source/survey_source.h"
#include "detect/source/thread_waits.h"
#include "detect/source/unseen_processes.h"
#include "plumb/base/text.h"
// The skeleton needs the types of the object's data.
// clang-format off
#include "detect/source/bpf/survey_abi.h"
#include <survey.skel.h>
// clang-format on

namespace plumb::detect {
namespace {

// The resolution of the coarse clocks is the length of a jiffy, on every kernel.
std::chrono::nanoseconds jiffy() {
  timespec length{};
  ::clock_getres(CLOCK_MONOTONIC_COARSE, &length);
  return std::chrono::seconds(length.tv_sec) + std::chrono::nanoseconds(length.tv_nsec);
}

bool is_gone(const Process& process) {
  return ::kill(number(process.key.pid), 0) != 0 && errno == ESRCH;
}

// How the descriptors are read: by a run for each process, which two threads do in half the time of
// one; or by one run for all, where processes hold so few that starting a run costs more.
std::vector<IteratorScope> scopes_of(const SurveyRequest& request,
                                     std::span<const Process> processes) {
  constexpr std::size_t kWorthIt = 50;  // descriptors: 10 us at 0.2 us each
  if (!request.only.empty()) return {request.only.begin(), request.only.end()};
  if (open_files() / kWorthIt < processes.size()) return {IteratorScope()};
  std::vector<IteratorScope> scopes;
  for (const Process& process : processes) scopes.emplace_back(process.key.pid);
  return scopes;
}

static_assert(kReaders <= SURVEY_READERS);  // each needs a row of its own

class BpfSurvey : public SurveySource {
 public:
  BpfSurvey(BpfSkeleton<survey_bpf> object, std::unique_ptr<RowRoom> room)
      : object_(std::move(object)), room_(std::move(room)) {}

  Result<Survey> take(const SurveyRequest& request) override {
    const BootTime began = BootClock::now();
    survey_request& wanted = object_->bss->request;
    wanted.names = request.names;
    wanted.sockets = request.sockets;
    wanted.threads = request.threads;
    ++wanted.number;
    SurveyRows rows(request, {.began = began,
                              .tick = jiffy(),
                              .page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)),
                              .descriptors = request.only.empty() ? open_files() : 0,
                              .room = room_.get()});
    room_.reset();
    const auto add = [&](std::span<const std::byte> batch) { rows.add(batch); };
    if (auto done = run_iterator(*object_->progs.survey_tasks, {}, add); !done) {
      return std::move(done).error();
    }
    std::vector<Loss> losses;
    const auto scopes = scopes_of(request, rows.processes());
    if (auto done = read_files(scopes, add, losses); !done) return std::move(done).error();

    const auto empty = rows.without_descriptors();
    if (request.command_lines) read_command_lines(rows.survey(), rows.extras());
    read_cgroups(rows.survey(), rows.extras());
    if (request.only.empty()) {
      std::vector<ProcessIndex> gone;
      for (const ProcessIndex index : empty) {
        if (is_gone(rows.survey().processes[number(index)])) gone.push_back(index);
      }
      rows.leave_out(gone);
    }
    Survey survey = std::move(rows).finish();
    add_unseen_processes(survey, request);
    if (request.details) read_details(survey);
    if (request.waits) read_thread_waits(survey);
    survey.losses.insert(survey.losses.end(), losses.begin(), losses.end());
    survey.took = BootClock::now() - began;
    return survey;
  }

 private:
  // Kernels before 6.1 know only one run for everything; the rows of processes that were not asked
  // for are then dropped as they come.
  Result<void> read_files(std::vector<IteratorScope> scopes, const TakeRows& add,
                          std::vector<Loss>& losses) {
    bpf_program& program = *object_->progs.survey_files;
    bool any = false;
    const auto take = [&](std::span<const std::byte> rows) {
      any = any || !rows.empty();
      add(rows);
    };
    std::ranges::fill(object_->bss->readers, 0U);
    auto done = run_iterators(program, scopes, take);
    if (!done && !any && std::ranges::any_of(scopes, &IteratorScope::has_value)) {
      scopes = {IteratorScope()};
      std::ranges::fill(object_->bss->readers, 0U);
      done = run_iterators(program, scopes, take);
    }
    if (done || !any) return done;
    // A part is better than nothing, and said so.
    losses.push_back({"descriptors", 1, "the iterator broke off: " + done.error().message()});
    return {};
  }

  BpfSkeleton<survey_bpf> object_;
  std::unique_ptr<RowRoom> room_;  // for the first survey
};

}  // namespace

Result<std::unique_ptr<SurveySource>> open_bpf_survey(const SurveyRequest& planned) {
  auto room = std::make_unique<RowRoom>(planned);
  BpfTypes types;
  auto object = open_skeleton_with_types<survey_bpf>("survey", types);
  if (!object) return std::move(object).error();
  if (auto loaded = load_skeleton(**object, "survey"); !loaded) return std::move(loaded).error();
  return std::unique_ptr<SurveySource>(
      std::make_unique<BpfSurvey>(std::move(*object), std::move(room)));
}

}  // namespace plumb::detect
