// SPDX-License-Identifier: Apache-2.0
// Choosing what a trace follows besides descriptors.
#include "app/cli/trace_kinds.h"

#include <algorithm>
#include <iterator>

#include "app/cli/trace_pairs.h"
#include "detect/model/pair_spec.h"
#include "detect/model/ready_pairs.h"
#include "detect/record/resource_kind.h"
#include "detect/report/terminal.h"
#include "plumb/base/human.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr std::uint64_t kEveryByte = 1;
constexpr std::uint64_t kLeastMean = 64;  // below it a block in two is looked at anyway
constexpr std::uint64_t kMostMean = std::uint64_t{1} << 30;
constexpr std::size_t kMostPairText = std::size_t{1} << 20;

// False where something is no pair, which is said.
bool read_pairs(const KindArguments& options, std::vector<detect::Pair>& pairs) {
  const auto take = [&](Result<std::vector<detect::Pair>> read) {
    if (!read) {
      complain(read.error().message());
      return false;
    }
    std::ranges::move(*read, std::back_inserter(pairs));
    return true;
  };
  for (const std::string& text : options.pairs) {
    if (text.find('=') != std::string::npos) {
      if (!take(detect::parse_pairs(text))) return false;
      continue;
    }
    auto ready = detect::ready_pairs(text);
    if (ready.empty()) {
      std::string message = "no ready pair is called " + detect::clean(text) + "; there are";
      for (const std::string_view name : detect::ready_libraries())
        message.append(" ").append(name);
      complain(message);
      return false;
    }
    if (!take(std::move(ready))) return false;
  }
  for (const std::string& path : options.pair_files) {
    auto text = read_file(path, kMostPairText);
    if (!text) {
      complain(text.error().message());
      return false;
    }
    if (!take(detect::parse_pairs(*text))) return false;
  }
  if (pairs.size() <= detect::kMostPairs) return true;
  complain("at most " + std::to_string(detect::kMostPairs) + " pairs at a time");
  return false;
}

constexpr std::size_t kMostPrograms = 64;

// Whether one of the programs has the probes of plumb's runtime. Loading what follows them takes
// 0.15 s, which others need not pay.
bool tells_of_itself(const TracePlan& plan) {
  if (!plan.command.empty()) return has_own_probes(program_path(plan.command.front()));
  const std::size_t most = std::min(plan.processes.size(), kMostPrograms);
  return std::any_of(
      plan.processes.begin(), plan.processes.begin() + static_cast<std::ptrdiff_t>(most),
      [](Pid pid) { return has_own_probes("/proc/" + std::to_string(number(pid)) + "/exe"); });
}

}  // namespace

void add_kind_arguments(CLI::App& command, KindArguments& arguments) {
  command
      .add_option("--pair", arguments.pairs,
                  "A pair of functions, NAME=FILE:ACQUIRE,RELEASE; or a ready one by name")
      ->type_name("PAIR")
      ->allow_extra_args(false);
  command.add_option("--pairs", arguments.pair_files, "Pairs from a file, one a line")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_flag("--heap", arguments.heap, "Follow the heap: blocks and bytes, by sampling");
  command
      .add_option("--heap-every", arguments.heap_mean,
                  "Look at one byte of the heap in this many (" + arguments.heap_mean + ")")
      ->type_name("SIZE");
}

bool choose_kinds(const KindArguments& arguments, TracePlan& plan) {
  if (!read_pairs(arguments, plan.settings.pairs)) return false;
  const auto mean = parse_size(arguments.heap_mean);
  if (!mean || (*mean < kLeastMean && *mean != kEveryByte) || *mean > kMostMean) {
    complain("--heap-every " + detect::clean(arguments.heap_mean) +
             ": no size from 64B to 1GiB; write 512KiB, or 1B for every block");
    return false;
  }
  plan.settings.options.heap_mean = *mean;
  // Where only pairs are asked for, only they are told of; where nothing is, all that costs nobody
  // anything.
  if (arguments.heap) plan.kinds.push_back(detect::Kind::kHeap);
  if (!plan.settings.pairs.empty()) plan.kinds.push_back(detect::Kind::kPair);
  std::vector<detect::Kind>& resources = plan.settings.options.resources;
  std::ranges::copy_if(plan.kinds, std::back_inserter(resources),
                       [](detect::Kind kind) { return detect::resource_kind(kind) != nullptr; });
  // A library may be mapped with functions of a pair, or over another one that is being followed:
  // the heap's sampler tells of that itself.
  const auto needs_calls = [&](detect::Kind kind) {
    if (kind == detect::Kind::kThread || kind == detect::Kind::kChild) return false;
    return kind != detect::Kind::kHeap || plan.command.empty();
  };
  plan.settings.options.descriptors =
      plan.kinds.empty() || std::ranges::any_of(plan.kinds, needs_calls);
  if (plan.kinds.empty() && tells_of_itself(plan)) resources.push_back(detect::Kind::kProbe);
  return true;
}

}  // namespace plumb::app
