// SPDX-License-Identifier: Apache-2.0
// InnerLooks: what explain reads within the processes that it suspects, beside the trace: the
// goroutines and the HTTP requests of Go programs, what is mapped into memory, and where threads
// sleep.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "app/cli/go_http_watch.h"
#include "app/cli/go_program.h"
#include "detect/finding/facts.h"
#include "detect/model/goroutine_series.h"
#include "detect/model/mapping_growth.h"

namespace plumb::app {

class InnerLooks {
 public:
  // From now on; what cannot be looked into is left out.
  void follow(Pid process);

  // Counts goroutines, where that takes at most a twentieth of the time.
  void look();
  // Before a verdict: what is mapped now.
  void read_maps();
  // At the end: which requests are held, and where threads sleep. Adds what look() and read_maps()
  // add, too.
  void finish();

  // The facts refer to this object and its last look.
  void add_to(detect::Facts& facts);

 private:
  struct Goroutines {
    std::shared_ptr<GoProgram> program;
    detect::GoroutineSeries series;
    BootTime due{};
  };
  struct Maps {
    detect::MappingCounts first;
    detect::MappingCounts now;
  };

  void count(Goroutines& goroutines);

  std::map<Pid, Goroutines> goroutines_;
  std::map<Pid, std::unique_ptr<GoHttpWatch>> requests_;
  std::map<Pid, Maps> maps_;
  std::vector<std::pair<Pid, GoHttpHeld>> held_;
  std::vector<detect::GoHttpFacts> go_http_;
  std::vector<detect::GoroutineFacts> goroutine_facts_;
  std::vector<detect::MappingGrowth> mappings_;
  std::map<Pid, std::size_t> threads_;  // how many there were at first
  std::vector<detect::ThreadStackFacts> thread_stacks_;
};

}  // namespace plumb::app
