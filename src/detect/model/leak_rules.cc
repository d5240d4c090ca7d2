// SPDX-License-Identifier: Apache-2.0
// The rules one by one, and grouping by origin.
#include "detect/model/leak_rules.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace plumb::detect {
namespace {

using What = Leftover::What;

bool polls(Kind kind) {
  return kind == Kind::kEpoll || kind == Kind::kIoUring;
}

// What a loop is woken by: its own counters and timers, and pipes and sockets to itself.
bool wakes(Kind kind) {
  return kind == Kind::kEventfd || kind == Kind::kTimerfd || kind == Kind::kSignalfd;
}

bool is_shell(std::string_view process) {
  constexpr std::array<std::string_view, 7> kShells = {"sh",  "dash", "bash",   "zsh",
                                                       "ksh", "mksh", "busybox"};
  return std::ranges::count(kShells, process) > 0;
}

// Descriptors of devices that hold nothing.
bool is_device(const Leftover& left) {
  constexpr std::array<std::string_view, 6> kDevices = {"/dev/null",   "/dev/zero",    "/dev/full",
                                                        "/dev/random", "/dev/urandom", "/dev/tty"};
  return left.kind == Kind::kCharacterDevice && std::ranges::count(kDevices, left.name) > 0;
}

bool is_logger(const Leftover& left, const StackStore& stacks) {
  const bool writes = (left.flags & O_ACCMODE) != O_RDONLY;
  if (left.kind == Kind::kFile && writes && (left.flags & O_APPEND) != 0) return true;
  if (left.kind != Kind::kUnix) return false;
  constexpr std::array<std::string_view, 6> kSyslog = {
      "openlog", "openlog_internal", "__vsyslog_internal", "syslog", "vsyslog", "sd_journal_sendv"};
  return std::ranges::any_of(stacks.frames(left.stack), [&](FrameId frame) {
    return std::ranges::count(kSyslog, stacks.frame(frame).function) > 0;
  });
}

// dash and bash keep the script that they read open, out of the way of redirections: at 10 and 255,
// or from there downwards.
bool is_script(const Leftover& left) {
  constexpr std::int32_t kFirst = 10;
  return is_shell(left.process) && left.kind == Kind::kFile && left.fd &&
         number(*left.fd) >= kFirst && (left.flags & O_ACCMODE) == O_RDONLY &&
         (left.flags & O_CLOEXEC) != 0;
}

class Judge {
 public:
  Judge(std::span<const Leftover> left, const AllowList& allow, const StackStore& stacks)
      : allow_(allow), stacks_(stacks) {
    for (const Leftover& one : left) {
      if (one.what != What::kDescriptor) continue;
      ++made_by_call_[{one.pid, one.acquisition}];
      if (polls(one.kind)) loops_.insert(one.pid);
    }
  }

  std::optional<Excuse> excuse(const Leftover& left);
  std::optional<std::size_t> pattern(const Leftover& left) const {
    return allow_.match(left, stacks_);
  }

 private:
  // Whether it is of the first call of its origin in its process.
  bool is_first(const Leftover& left) {
    const auto [first, added] =
        first_.try_emplace({left.pid, left.stack, left.no_stack, left.kind}, left.acquisition);
    return added || first->second == left.acquisition;
  }
  bool belongs_to_loop(const Leftover& left) const;

  const AllowList& allow_;
  const StackStore& stacks_;
  std::map<std::pair<Pid, std::uint64_t>, int> made_by_call_;
  std::set<Pid> loops_;  // processes that poll
  std::map<std::tuple<Pid, StackNode, std::string, Kind>, std::uint64_t> first_;
};

bool Judge::belongs_to_loop(const Leftover& left) const {
  if (polls(left.kind)) return true;
  if (loops_.count(left.pid) == 0) return false;
  if (wakes(left.kind)) return true;
  // Both ends of a pipe or a pair of sockets: who would write to it but the process itself?
  const auto ends = made_by_call_.find({left.pid, left.acquisition});
  return (left.kind == Kind::kPipe || left.kind == Kind::kUnix) && ends != made_by_call_.end() &&
         ends->second == 2;
}

std::optional<Excuse> Judge::excuse(const Leftover& left) {
  if (left.what != What::kDescriptor && left.what != What::kResource) return std::nullopt;
  constexpr std::int32_t kLastStandard = 2;
  if (left.fd && number(*left.fd) <= kLastStandard) return Excuse::kStandard;
  if (left.status && WIFSIGNALED(*left.status)) return Excuse::kKilled;
  if (left.referenced) return Excuse::kReferenced;
  if (left.what == What::kResource) return std::nullopt;
  if (is_script(left)) return Excuse::kScript;
  if (belongs_to_loop(left) && is_first(left)) return Excuse::kEventLoop;
  if (is_device(left) && is_first(left)) return Excuse::kDevice;
  if (is_logger(left, stacks_) && is_first(left)) return Excuse::kLogger;
  return std::nullopt;
}

// Names below a left directory go into it.
std::vector<Leftover> folded(std::span<const Leftover> left) {
  std::vector<Leftover> names;
  std::vector<Leftover> all;
  for (const Leftover& one : left) (one.what == What::kFile ? names : all).push_back(one);
  std::ranges::sort(names, {}, [](const Leftover& one) { return one.name + '/'; });
  std::optional<std::size_t> top;
  for (Leftover& name : names) {
    if (top && name.name.starts_with(all[*top].name + '/')) {
      ++all[*top].within;
      continue;
    }
    top = all.size();
    all.push_back(std::move(name));
  }
  return all;
}

}  // namespace

bool made_by_loader(StackNode stack, const StackStore& stacks) {
  const auto frames = stacks.frames(stack);
  if (frames.empty()) return false;
  const std::string_view module = stacks.frame(frames.front()).module;
  const std::string_view name = module.substr(module.rfind('/') + 1);
  return name.starts_with("ld-linux") || name.starts_with("ld-musl") || name.starts_with("ld-2.");
}

std::string_view name_of(Excuse excuse) {
  constexpr std::array<std::string_view, kExcuses> kNames = {
      "allowed", "standard stream", "killed", "event loop",
      "device",  "logger",          "script", "referenced"};
  return kNames[static_cast<std::size_t>(excuse)];
}

std::uint64_t LeakVerdict::leaked() const {
  std::uint64_t sum = 0;
  for (const LeakGroup& group : leaks) sum += group.count;
  return sum;
}

LeakVerdict judge_leftovers(std::span<const Leftover> left, const AllowList& allow,
                            const StackStore& stacks) {
  LeakVerdict verdict;
  verdict.allowed.resize(allow.size());
  Judge judge(left, allow, stacks);
  using Key = std::tuple<What, Kind, StackNode, std::string, std::uint16_t, std::string, bool,
                         std::optional<Excuse>, std::optional<std::size_t>>;
  std::map<Key, std::size_t> index;
  std::vector<LeakGroup> groups;
  std::vector<std::set<Pid>> holders;
  for (const Leftover& one : folded(left)) {
    auto excuse = judge.excuse(one);
    const auto pattern = excuse ? std::nullopt : judge.pattern(one);
    if (pattern) {
      excuse = Excuse::kAllowed;
      ++verdict.allowed[*pattern];
    }
    const Key key{one.what,    one.kind,     one.stack, one.no_stack, one.call,
                  one.process, one.listener, excuse,    pattern};
    const auto [at, added] = index.try_emplace(key, groups.size());
    if (added) {
      groups.emplace_back();
      groups.back().excuse = excuse;
      groups.back().pattern = pattern;
      holders.emplace_back();
    }
    LeakGroup& group = groups[at->second];
    group.count += one.weight;
    group.bytes += one.bytes;
    if (group.samples.size() < LeakGroup::kMostSamples) group.samples.push_back(one);
    holders[at->second].insert(one.pid);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].processes = holders[i].size();
    (groups[i].excuse ? verdict.excused : verdict.leaks).push_back(std::move(groups[i]));
  }
  const auto most_first = [](const LeakGroup& a, const LeakGroup& b) { return a.count > b.count; };
  std::ranges::stable_sort(verdict.leaks, most_first);
  std::ranges::stable_sort(verdict.excused, most_first);
  return verdict;
}

}  // namespace plumb::detect
