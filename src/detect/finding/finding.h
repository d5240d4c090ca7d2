// SPDX-License-Identifier: Apache-2.0
// Finding: one conclusion about one process, with its evidence. Findings form a chain by cause.
//
// Texts hold names as the machine has them, raw bytes: whoever prints them escapes them. Secrets in
// command lines and addresses are masked already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/measure.h"
#include "detect/model/shape.h"
#include "detect/record/frame.h"
#include "detect/record/process.h"

namespace plumb::detect {

enum class Severity : std::uint8_t {
  kInfo,      // worth knowing; nothing is wrong for it
  kWarning,   // goes wrong if it goes on
  kCritical,  // somebody suffers now, or will within minutes
};
std::string_view name_of(Severity severity);

// A place in the list of findings.
enum class FindingIndex : std::uint32_t {};

// A line of proof: "rate" · "+12 a minute, steps of 1 every 5.0 s".
struct Evidence {
  std::string what;
  std::string value;
};

struct Subject {
  ProcessKey process;  // pid 0: the machine
  std::string name;    // comm
};

struct Finding {
  std::string_view id;  // of the table in kinds.h: "descriptor-leak"
  Severity severity = Severity::kWarning;
  double confidence = 0;  // that it is so: 0..1
  Subject subject;
  std::string summary;  // one sentence, without a full stop
  std::vector<Evidence> evidence;
  std::vector<FindingIndex> causes;  // directly; most telling first
  std::string whose_move;            // who must act: "clash(812)"; empty where a cause says it
  std::string remedy;

  // What links it to others, and what charts and flame graphs are drawn from.
  std::optional<Measure> measure;    // what it counts, where it counts one thing
  std::uint64_t weight = 0;          // how much of it: descriptors, children, …
  std::vector<ProcessKey> leads_to;  // whose doing it may be: holders of other ends, children
  std::vector<Frame> stack;          // where what leaks is acquired, innermost first
  std::vector<Frame> closer;         // who closed it
  std::vector<SeriesPoint> series;
};

}  // namespace plumb::detect
