// SPDX-License-Identifier: Apache-2.0
// CheckResources: the kinds of a check that are no descriptors (memory, pairs, what programs tell
// of), followed by the engine of `plumb trace` beside the ptrace that holds the processes. Knows no
// rules and no output. Needs CAP_BPF and CAP_PERFMON. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/check_stacks.h"
#include "app/cli/pass_pace.h"
#include "app/cli/trace_session.h"
#include "detect/model/reachable_blocks.h"
#include "detect/record/leftover.h"
#include "detect/record/survey.h"

namespace plumb::app {

class CheckResources {
 public:
  // `program` is what will be run. Errors: of TraceSession.
  static Result<std::unique_ptr<CheckResources>> open(const TraceSettings& settings,
                                                      const std::string& program);

  // What the command must find in its environment.
  const std::vector<std::string>& environment() const { return environment_; }
  // Before the command's first instruction. Errors: of TraceSession::follow().
  Result<void> begin(Pid command);

  // Readable when listen() has something to do.
  int wait_descriptor() const { return session_->source().wait_descriptor(); }
  void listen();
  // It stands still before its first instruction as another program.
  void on_exec(Pid process);

  // What a process holds that stands still at its end: once; of many of one stack the first ones,
  // and the last of them stands for the rest. Memory is compared with all that the
  // process has written, to see whether it still had a pointer to it. Of a leftover its kind, size,
  // identity and stack (one of `stacks`) are set.
  std::vector<detect::Leftover> take(Pid process, Tid thread, CheckStacks& stacks);

  std::vector<detect::Loss> losses() const;
  // What was asked for and could not be followed; for people.
  std::vector<std::string> blinds() const { return session_->blinds(); }

 private:
  explicit CheckResources(std::unique_ptr<TraceSession> session) : session_(std::move(session)) {}
  struct Origin {
    detect::StackNode stack = detect::StackStore::kEmpty;
    bool cut = false;
    bool of_loader = false;
  };
  const Origin& origin_of(const detect::LiveHolding& row, CheckStacks& stacks);
  detect::Leftover leftover(const detect::LiveHolding& row, const Origin& origin) const;
  // What is true of a row of memory; any other one has to be given back whatever leads to it.
  struct Memory {
    detect::ReachableBlocks::Fate fate = detect::ReachableBlocks::Fate::kHead;
    detect::ReachableBlocks::Within within;
  };
  std::vector<Memory> look_through(Tid thread, std::span<const detect::LiveHolding> rows);

  std::unique_ptr<TraceSession> session_;
  std::vector<std::string> environment_;
  std::map<detect::OriginId, Origin> origins_;
  PassPace pace_;
  std::uint64_t unread_ = 0;  // processes whose memory could not be looked through
};

}  // namespace plumb::app
