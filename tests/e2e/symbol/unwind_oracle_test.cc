// SPDX-License-Identifier: Apache-2.0
// Compares plumb's unwinder with elfutils' on thousands of stacks of real programs: at system
// calls, and instruction by instruction through the code around them, prologues and epilogues
// included.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/unwinder.h"
#include "dwfl_oracle.h"
#include "traced_process.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kStackBytes = 32768;

struct Plan {
  std::vector<std::string> command;
  int calls = 0;            // stops at system calls that are compared
  int skipped_calls = 0;    // before the first of them
  int steps = 0;            // single instructions compared after each
  std::size_t deepest = 0;  // a stack at least this deep must be among them
  int complete_percent = 90;
};

struct Tally {
  int compared = 0;
  int complete = 0;          // down to the outermost frame
  int by_frame_pointer = 0;  // code without rules: both guess
  int further = 0;           // ours went on where libdwfl had stopped
  std::size_t deepest = 0;
};

std::string describe(const Unwound& ours, const DwflOracle::Answer& theirs, ProcessView& view) {
  std::string text = "ours (" + std::string(to_string(ours.end)) + ") / theirs\n";
  const std::size_t rows = std::max(ours.frames.size(), theirs.frames.size());
  for (std::size_t row = 0; row < rows; ++row) {
    char line[200];
    const std::uint64_t mine = row < ours.frames.size() ? number(ours.frames[row].ip) : 0;
    const std::uint64_t other = row < theirs.frames.size() ? number(theirs.frames[row]) : 0;
    const auto place = view.find_code(Address{mine != 0 ? mine : other});
    std::snprintf(line, sizeof(line), "  %16lx %16lx %s %lx %s\n", mine, other,
                  place && place->module ? place->module->path().c_str() : "?",
                  place ? number(place->address) : 0, mine == other ? "" : "<-");
    text += line;
  }
  return text;
}

class Comparison {
 public:
  explicit Comparison(const Plan& plan)
      : plan_(plan), traced_(plan.command), oracle_(traced_.process()) {}

  Tally run() {
    for (int call = 0; call < plan_.skipped_calls; ++call) {
      if (!traced_.next_call()) return tally_;
    }
    renew();
    for (int call = 0; call < plan_.calls && failures_ < 3; ++call) {
      const auto thread = traced_.next_call();
      if (!thread) return tally_;
      compare(*thread);
      for (int step = 0; step < plan_.steps && failures_ < 3; ++step) {
        const auto stepped = traced_.step(*thread);
        if (stepped == TracedProcess::Stepped::kEnded) return tally_;
        if (stepped == TracedProcess::Stepped::kNot) break;
        compare(*thread);
      }
    }
    return tally_;
  }

 private:
  void renew() {
    auto opened = ProcessView::open(traced_.process(), access_, cache_);
    ASSERT_TRUE(opened) << opened.error().message();
    view_.emplace(*std::move(opened));
    oracle_.report();
  }

  void compare(pid_t thread) {
    const Snapshot snapshot = traced_.snapshot(thread, kStackBytes);
    keep_oracle_current();
    if (!has_rule(snapshot)) return;
    const Unwound ours = Unwinder().unwind(*view_, snapshot.registers, snapshot.stack);
    const DwflOracle::Answer theirs = sensible(oracle_.unwind(snapshot));
    ++tally_.compared;
    tally_.deepest = std::max(tally_.deepest, ours.frames.size());
    for (const UnwoundFrame& frame : ours.frames) {
      if (frame.found_by == FoundBy::kFramePointer) {
        ++tally_.by_frame_pointer;
        return;
      }
    }
    if (ours.end == UnwindEnd::kOutermost) ++tally_.complete;
    bool same = ours.frames.size() >= theirs.frames.size();
    for (std::size_t row = 0; same && row < theirs.frames.size(); ++row) {
      same = ours.frames[row].ip == theirs.frames[row];
    }
    if (same && ours.frames.size() > theirs.frames.size()) {
      ++tally_.further;
      same = !theirs.complete;
    }
    if (!same) ++failures_;
    EXPECT_TRUE(same) << describe(ours, theirs, *view_);
  }

  // Neither of the two looks for new libraries between two stops.
  void keep_oracle_current() {
    auto maps = access_.maps(traced_.process());
    if (!maps || *maps == maps_) return;
    maps_ = *std::move(maps);
    oracle_.report();
    // Stops follow each other faster than the view would read its maps again by itself.
    EXPECT_TRUE(view_->refresh());
  }

  // Behind the last instruction of a function, where rt_sigreturn stops, libdwfl guesses by rbp.
  bool has_rule(const Snapshot& snapshot) {
    const auto place = view_->find_code(Address{*snapshot.registers.get(Register::kRip)});
    return !place || place->module == nullptr ||
           place->module->rules_at(place->address).find(place->address) != nullptr;
  }

  // libdwfl prints what it finds, be it code or not; and after its last rule it goes on by rbp.
  DwflOracle::Answer sensible(DwflOracle::Answer answer) {
    auto& frames = answer.frames;
    const auto garbage = std::find_if(frames.begin(), frames.end(),
                                      [this](Address frame) { return !view_->find_code(frame); });
    frames.erase(garbage, frames.end());
    return answer;
  }

  Plan plan_;
  TracedProcess traced_;
  DwflOracle oracle_;
  ProcAccess access_;
  ModuleCache cache_;
  std::optional<ProcessView> view_;
  std::string maps_;
  Tally tally_;
  int failures_ = 0;
};

void expect_agreement(const Plan& plan, int at_least) {
  const Tally tally = Comparison(plan).run();
  std::printf(
      "%s: %d stacks compared, %d complete, %d with frame-pointer steps, %d go further, "
      "deepest %zu\n",
      plan.command[0].c_str(), tally.compared, tally.complete, tally.by_frame_pointer,
      tally.further, tally.deepest);
  EXPECT_GE(tally.compared, at_least);
  EXPECT_GE(tally.deepest, plan.deepest);
  EXPECT_LE(tally.further * 20, tally.compared);
  // What is left ran in a handler on a signal stack: the interrupted one is not in the copy.
  EXPECT_GE(tally.complete * 100, tally.compared * plan.complete_percent);
}

TEST(UnwindOracle, CWithoutFramePointers) {
  expect_agreement({{SPECIMEN_C}, 1200, 0, 12, 25}, 3000);
}
TEST(UnwindOracle, CNotPositionIndependent) {
  expect_agreement({{SPECIMEN_C_NO_PIE}, 600, 0, 12, 25}, 3000);
}
TEST(UnwindOracle, CStatic) {
  expect_agreement({{SPECIMEN_C_STATIC}, 600, 0, 12, 25}, 2500);
}
TEST(UnwindOracle, CStripped) {
  expect_agreement({{SPECIMEN_C_STRIPPED}, 600, 0, 6, 25}, 2000);
}
TEST(UnwindOracle, CWithFramePointers) {
  expect_agreement({{SPECIMEN_C_FP}, 600, 0, 12, 25, 65}, 3000);
}
TEST(UnwindOracle, CxxAtO2) {
  expect_agreement({{SPECIMEN_CXX}, 600, 0, 20, 15}, 3000);
}
TEST(UnwindOracle, Curl) {
  expect_agreement({{"/usr/bin/curl", "-s", "file:///etc/passwd"}, 1500, 200, 4, 8}, 1000);
}
TEST(UnwindOracle, Nginx) {
  expect_agreement({{"/usr/sbin/nginx", "-t"}, 400, 20, 4, 8}, 1000);
}
TEST(UnwindOracle, Redis) {
  expect_agreement({{"/usr/bin/redis-server", "--port", "0", "--save", ""}, 400, 60, 4, 5}, 500);
}
TEST(UnwindOracle, Python) {
  expect_agreement(
      {{"/usr/bin/python3", "-c", "import json, socket, subprocess\nfor i in range(9): open('/')"},
       400,
       100,
       4,
       20},
      1000);
}
TEST(UnwindOracle, Nvim) {
  expect_agreement({{"/usr/bin/nvim", "--headless", "--clean", "+q"}, 500, 100, 4, 8}, 800);
}
TEST(UnwindOracle, Git) {
  expect_agreement({{"/usr/bin/git", "--no-pager", "log", "-1", "--stat"}, 200, 20, 4, 8}, 500);
}

}  // namespace
}  // namespace plumb::detect
