// SPDX-License-Identifier: Apache-2.0
// pidfd_open(2), pidfd_getfd(2).
#include "app/cli/borrowed.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "plumb/base/text.h"

namespace plumb::app {
namespace {

constexpr int kStartField = 22;  // proc(5), of /proc/PID/stat; the third stands behind the name

std::optional<Ticks> start_of(Pid pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", number(pid)), 4096);
  if (!stat) return std::nullopt;
  const auto name_end = stat->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(*stat).substr(name_end + 1);
  for (int field = 3; field < kStartField; ++field) (void)take_word(rest);
  const auto ticks = parse_number<std::int64_t>(take_word(rest));
  if (!ticks) return std::nullopt;
  return Ticks(*ticks);
}

std::string advice_for(int code) {
  if (code == EPERM) return "run as root, or as the user of that process";
  return code == ENOSYS ? "needs Linux 5.6" : "";
}

}  // namespace

Result<HeldProcess> HeldProcess::hold(detect::ProcessKey key) {
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, number(key.pid), 0)));
  const int code = errno;
  const std::string name = fmt::format("process {}", number(key.pid));
  if (!process) return fail("hold", name, code, advice_for(code));
  HeldProcess held(key, std::move(process));
  // Its number may have been another's before it was held, and cannot become one's now.
  if (start_of(key.pid) != key.start || !held.lives()) return fail("hold", name, ESRCH);
  return held;
}

bool HeldProcess::lives() const {
  return ::syscall(SYS_pidfd_send_signal, process_.get(), 0, nullptr, 0) == 0 || errno == EPERM;
}

Result<UniqueFd> HeldProcess::borrow(Fd fd) const {
  UniqueFd borrowed(static_cast<int>(::syscall(SYS_pidfd_getfd, process_.get(), number(fd), 0)));
  if (borrowed) return borrowed;
  const int code = errno;
  return fail("borrow", fmt::format("descriptor {} of process {}", number(fd), number(key_.pid)),
              code, advice_for(code));
}

}  // namespace plumb::app
