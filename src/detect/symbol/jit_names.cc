// SPDX-License-Identifier: Apache-2.0
// Following a perf map.
#include "detect/symbol/jit_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

// A process without a map is asked for one again this often at most.
constexpr std::chrono::milliseconds kPause{100};
constexpr std::uint64_t kAtATime = 1U << 20U;      // bytes
constexpr std::uint64_t kMostBytes = 256U << 20U;  // of a map; more is left unread

// The process's own number for itself, which its compiler put in the map's name: the last one of
// "NSpid:" in /proc/PID/status (proc(5)).
std::string own_pid(Pid process) {
  const std::string plain = std::to_string(number(process));
  const auto status = read_file("/proc/" + plain + "/status", 16384);
  if (!status) return plain;
  std::string_view rest = *status;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    if (take_word(line) != "NSpid:") continue;
    std::string_view last;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) last = word;
    if (parse_number<int>(last)) return std::string(last);
  }
  return plain;
}

}  // namespace

std::optional<PerfMap::Name> JitNames::find(const ProcessAccess& access, Address address) {
  refresh(access);
  return map_.find(address);
}

bool JitNames::open(const ProcessAccess& access) {
  const BootTime now = BootClock::now();
  if (looked_at_ != BootTime{} && now - looked_at_ < kPause) return false;
  looked_at_ = now;
  auto file = access.file(process_, "/tmp/perf-" + own_pid(process_) + ".map");
  if (!file) return false;
  file_ = *std::move(file);
  map_ = {};
  read_ = 0;
  return true;
}

void JitNames::refresh(const ProcessAccess& access) {
  if (!file_ && !open(access)) return;
  struct stat status {};
  if (::fstat(file_->descriptor().get(), &status) != 0) return;
  // Removed, or written anew from its beginning: there may be another map.
  if (status.st_nlink == 0 || static_cast<std::uint64_t>(status.st_size) < read_) {
    if (open(access) && ::fstat(file_->descriptor().get(), &status) != 0) return;
  }
  const auto end = std::min(static_cast<std::uint64_t>(status.st_size), kMostBytes);
  std::vector<std::byte> bytes;
  while (read_ < end) {
    bytes.resize(std::min(end - read_, kAtATime));
    bytes.resize(file_->read(read_, bytes));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto last = text.rfind('\n');
    if (last == std::string_view::npos) {
      // In the writing, or no line at all.
      if (text.size() == kAtATime) read_ += kAtATime;
      return;
    }
    map_.append(text.substr(0, last + 1));
    read_ += last + 1;
  }
}

}  // namespace plumb::detect
