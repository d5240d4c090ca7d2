// SPDX-License-Identifier: Apache-2.0
// Mark: something that happened at a time: a job's start or end, a program that was started. What
// grows in steps is tied to marks (model/lift.h).
#pragma once

#include <cstdint>
#include <string>

#include "plumb/base/clock.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

struct Mark {
  enum class Source : std::uint8_t {
    kScript,  // plumb mark NAME
    kJob,     // of a program on plumb's runtime: the probe plumb:mark
    kExec,    // a program was started; named after it
    kChild,   // a child was started; named after its parent
    kCron,    // a command of cron's, from the journal
    kUnit,    // a unit of systemd's, from the journal: what a timer starts is one
  };
  enum class What : std::uint8_t { kStart, kStop };

  BootTime time{};
  Source source = Source::kScript;
  What what = What::kStart;
  std::string name;  // any bytes: whoever prints it escapes it
  Pid pid{};         // who it happened to, where known
};

// "mark", "job", "exec", …
constexpr const char* name_of(Mark::Source source) {
  switch (source) {
    case Mark::Source::kScript:
      return "mark";
    case Mark::Source::kJob:
      return "job";
    case Mark::Source::kExec:
      return "exec";
    case Mark::Source::kChild:
      return "child";
    case Mark::Source::kCron:
      return "cron";
    case Mark::Source::kUnit:
      return "unit";
  }
  return "mark";
}

}  // namespace plumb::detect
