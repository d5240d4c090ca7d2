// SPDX-License-Identifier: Apache-2.0
// Parsers of the small text files of /proc/PID.
#include "detect/source/process_files.h"

#include <array>

#include "detect/source/fdinfo_lines.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kKibibyte = 1024;

// "   1234 kB" in bytes.
std::optional<std::uint64_t> kibibytes(std::string_view value) {
  const auto count = parse_number<std::uint64_t>(take_word(value));
  if (!count || *count > UINT64_MAX / kKibibyte) return std::nullopt;
  return *count * kKibibyte;
}

std::string_view last_word(std::string_view text) {
  std::string_view last;
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) last = word;
  return last;
}

// "0x7f" or "3".
std::optional<std::uint64_t> parse_hexadecimal(std::string_view word) {
  if (word.starts_with("0x")) word.remove_prefix(2);
  return parse_number<std::uint64_t>(word, 16);
}

}  // namespace

std::optional<StatFile> parse_stat(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  StatFile stat;
  const auto pid = parse_number<std::int32_t>(trim(text.substr(0, open)));
  if (!pid) return std::nullopt;
  stat.pid = Pid(*pid);
  stat.name = text.substr(open + 1, close - open - 1);

  // proc_pid_stat(5) counts from 1; the state is the third field.
  constexpr std::size_t kState = 3, kParent = 4, kFlags = 9, kThreads = 20, kStart = 22,
                        kVirtual = 23;
  std::array<std::string_view, kVirtual + 1> fields;
  auto rest = trim(text.substr(close + 1));
  for (std::size_t i = kState; i < fields.size(); ++i) fields[i] = take_word(rest);

  const auto parent = parse_number<std::int32_t>(fields[kParent]);
  const auto start = parse_number<std::int64_t>(fields[kStart]);
  if (fields[kState].size() != 1 || !parent || !start) return std::nullopt;
  stat.state = RunState(fields[kState].front());
  stat.parent = Pid(*parent);
  constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD (include/linux/sched.h)
  const auto flags = parse_number<std::uint64_t>(fields[kFlags]).value_or(0);
  stat.kernel_thread = (flags & kKernelThread) != 0;
  stat.start = Ticks(*start);
  stat.threads = parse_number<std::uint32_t>(fields[kThreads]).value_or(0);
  stat.virtual_bytes = parse_number<std::uint64_t>(fields[kVirtual]).value_or(0);
  return stat;
}

StatusFile parse_status(std::string_view text) {
  StatusFile status;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (auto users = value_of(line, "Uid")) {
      take_word(*users);  // real, before effective
      if (const auto uid = parse_number<std::uint32_t>(take_word(*users))) status.uid = Uid(*uid);
    } else if (const auto numbers = value_of(line, "NSpid")) {
      if (const auto own = parse_number<std::int32_t>(last_word(*numbers))) {
        status.own_pid = Pid(*own);
      }
    } else if (const auto size = value_of(line, "VmSize")) {
      status.virtual_bytes = kibibytes(*size);
    } else if (const auto resident = value_of(line, "VmRSS")) {
      status.resident_bytes = kibibytes(*resident);
    } else if (const auto threads = value_of(line, "Threads")) {
      status.threads = parse_number<std::uint32_t>(*threads);
    } else if (const auto sleeps = value_of(line, "voluntary_ctxt_switches")) {
      status.sleeps = parse_number<std::uint64_t>(*sleeps);
    }
  }
  return status;
}

std::string_view parse_cgroup(std::string_view text) {
  std::string_view unified;
  std::string_view systemd;
  while (!text.empty()) {
    // HIERARCHY:CONTROLLERS:PATH, and the path may hold colons
    auto path = take_until(text, '\n');
    const auto hierarchy = take_until(path, ':');
    const auto controllers = take_until(path, ':');
    if (hierarchy == "0" && controllers.empty()) unified = path;
    if (controllers == "name=systemd") systemd = path;
  }
  return unified.size() <= 1 && systemd.size() > 1 ? systemd : unified;
}

DescriptorLimits parse_limits(std::string_view text) {
  constexpr std::string_view kName = "Max open files";
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    const auto soft = take_word(line);
    const auto hard = take_word(line);
    return {parse_number<std::uint64_t>(soft), parse_number<std::uint64_t>(hard)};
  }
  return {};
}

std::optional<BlockingCall> parse_syscall(std::string_view text) {
  auto rest = trim(text);
  BlockingCall call;
  const auto number = parse_number<std::int32_t>(take_word(rest));
  if (!number || *number < 0) return std::nullopt;
  call.number = *number;
  for (auto& argument : call.args) {
    const auto value = parse_hexadecimal(take_word(rest));
    if (!value) return std::nullopt;
    argument = *value;
  }
  return call;
}

std::optional<std::uint64_t> parse_bracketed_inode(std::string_view text, std::string_view what) {
  if (!text.starts_with(what)) return std::nullopt;
  text.remove_prefix(what.size());
  if (!text.starts_with(":[") || !text.ends_with(']')) return std::nullopt;
  return parse_number<std::uint64_t>(text.substr(2, text.size() - 3));
}

std::optional<std::uint32_t> parse_namespace_link(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto inode = parse_bracketed_inode(text, text.substr(0, colon));
  if (!inode || *inode > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*inode);
}

}  // namespace plumb::detect
