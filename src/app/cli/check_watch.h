// SPDX-License-Identifier: Apache-2.0
// CheckWatch: what the processes of a checked command make, and what of it is left: joins the
// follower's stops with stacks and /proc. Knows no rules and no output.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/cli/check_resources.h"
#include "app/cli/check_stacks.h"
#include "detect/record/leftover.h"
#include "detect/source/created_names.h"
#include "detect/source/process_follower.h"
#include "detect/source/survey_source.h"

namespace plumb::app {

class CheckWatch : public detect::ProcessWatcher {
 public:
  // `temporary` is the directory whose names are watched, canonical. Threads are taken down where
  // they are wanted, resources where there is an engine for them, which must outlive it.
  CheckWatch(std::string temporary, bool wants_threads, CheckResources* resources)
      : names_(std::move(temporary)), resources_(resources), wants_threads_(wants_threads) {}

  void on_fork(Pid parent, Tid thread, Pid child) override;
  void on_begin(Pid process) override;
  void on_exec(Pid process) override;
  bool before_call(const detect::ChosenCall& call) override;
  void after_call(const detect::ChosenCall& call) override;
  void on_thread(Pid process, Tid starter, Tid thread) override;
  void on_exit_call(Pid process, const std::vector<Tid>& others) override;
  void on_end(Pid process, Tid thread, int status) override;
  void on_gone(Pid process, int status) override;

  // Takes down those that still run. From then on nobody's end is looked at.
  void leave_running(const std::vector<Pid>& alive);
  // Takes down the names that are still there; once all have ended.
  void look_for_names();

  const std::vector<detect::Leftover>& left() const { return left_; }
  const detect::StackStore& stacks() const { return stacks_.stacks(); }
  std::uint64_t processes() const { return processes_; }

 private:
  using Stack = std::shared_ptr<const CheckStacks::Taken>;
  struct Made {
    std::uint16_t call = 0;
    std::uint64_t acquisition = 0;
    Stack stack;
  };
  struct Process {
    Pid parent{};
    Stack forked;  // of its parent's thread, in the call that started it
    bool gone = false;
    std::map<std::int32_t, Made> made;  // descriptors, by number
    std::set<std::int32_t> born_with;   // as of its start or last exec, and duplicates of them
    std::map<Tid, Stack> threads;
    std::vector<Pid> children;
  };

  Stack take(Pid process, Tid thread);
  void put_stack(detect::Leftover& left, const Stack& stack);
  void describe(detect::Leftover& left, Pid process) const;
  void look_at_descriptors(Pid process, Tid thread, int status);
  void look_at_children(Pid process);
  void look_at_resources(Pid process, Tid thread, int status);
  std::optional<detect::Survey> survey_of(std::vector<Pid> processes);

  CheckStacks stacks_;
  detect::CreatedNames names_;
  std::map<Pid, Process> processes_by_pid_;
  std::map<std::uint64_t, Stack> name_stacks_;        // by serial
  std::map<std::uint64_t, std::string> name_makers_;  // by serial: the process's name
  std::unique_ptr<detect::SurveySource> source_;
  CheckResources* resources_;
  std::vector<detect::Leftover> left_;
  std::uint64_t acquisitions_ = 0;
  std::uint64_t processes_ = 1;
  bool wants_threads_;
  bool closed_ = false;
};

}  // namespace plumb::app
