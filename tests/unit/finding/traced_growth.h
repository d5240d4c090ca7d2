// SPDX-License-Identifier: Apache-2.0
// TracedGrowth: a trace of twenty seconds in which stacks of process 812 have made one thing each
// second, all of which it still holds, for tests of who is named.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <vector>

#include "tests/unit/finding/story.h"

namespace plumb::detect {

class TracedGrowth {
 public:
  static constexpr int kSeconds = 20;

  // `functions` innermost first; all but the outermost are of the C library. `identity` of what was
  // born in that second.
  void made_by(std::initializer_list<const char*> functions, Kind kind, std::uint16_t call,
               std::function<std::uint64_t(int)> identity) {
    std::vector<FrameId> ids;
    for (const char* function : functions) {
      Frame frame;
      frame.function = function;
      const bool library = ids.size() + 1 < functions.size();
      frame.module = library ? "/usr/lib/x86_64-linux-gnu/libc.so.6" : "/srv/service";
      ids.push_back(stacks_.intern(frame));
    }
    const OriginId origin{static_cast<std::uint32_t>(16 + sites_.size())};
    ledger_.learn(origin, stacks_.add(ids), kind, call, false);
    sites_.push_back({origin, kind, call, std::move(identity)});
  }

  void run() {
    ledger_.on(ProcessEvent{.what = ProcessEvent::What::kFork,
                            .pid = Pid{812},
                            .table = TableId{1},
                            .start = BootTime(std::chrono::seconds(1)),
                            .name = "service"});
    for (int now = 1; now <= kSeconds; ++now) {
      ledger_.begin_pass(at(now));
      std::vector<OriginCount> counts(16 + sites_.size());
      for (const Made& made : sites_) {
        for (int born = 0; born < now; ++born) ledger_.hold(holding(made, born));
        counts[number(made.origin)].created = static_cast<std::uint64_t>(now);
      }
      ledger_.end_pass(counts, {});
    }
  }

  TraceFacts facts() const { return {ledger_, stacks_, {}, 0}; }

 private:
  struct Made {
    OriginId origin{};
    Kind kind = Kind::kUnknown;
    std::uint16_t call = 0;
    std::function<std::uint64_t(int)> identity;
  };

  static BootTime at(int second) { return BootTime(std::chrono::seconds(3600 + second)); }

  static LiveHolding holding(const Made& made, int born) {
    LiveHolding held;
    held.table = TableId{1};
    held.file = FileId{made.identity(born)};
    held.born = at(born);
    held.origin = made.origin;
    held.call = made.call;
    held.kind = made.kind;
    held.bytes = 4096;
    return held;
  }

  StackStore stacks_;
  TraceLedger ledger_{BootTime(std::chrono::seconds(3600)), std::chrono::seconds(2)};
  std::vector<Made> sites_;
};

}  // namespace plumb::detect
