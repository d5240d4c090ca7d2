// SPDX-License-Identifier: Apache-2.0
// The reads behind thread_waits.h.
#include "detect/source/thread_waits.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "detect/source/lock_lines.h"
#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"
#include "detect/source/wait_memory.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kLocksLimit = std::size_t{16} << 20;
constexpr std::size_t kLockFdinfoLimit = std::size_t{256} << 10;

std::chrono::nanoseconds now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool read_memory(Pid pid, std::uint64_t address, std::span<std::byte> into) {
  const iovec local{into.data(), into.size()};
  // The address is the other process's: never followed here.
  const iovec remote{reinterpret_cast<void*>(address), into.size()};
  const ssize_t got = ::process_vm_readv(number(pid), &local, 1, &remote, 1, 0);
  return got == static_cast<ssize_t>(into.size());
}

bool same_call(const BlockingCall& a, const BlockingCall& b) {
  return a.number == b.number && a.args == b.args;
}

class Reader {
 public:
  explicit Reader(Survey& survey) : survey_(survey) {
    auto proc = UniqueFd::open("/proc", O_PATH | O_DIRECTORY);
    if (proc) proc_ = std::move(*proc);
  }

  void read_all() {
    for (Process& process : survey_.processes) {
      // A tracer is news of a process that stands still in its hands alone.
      if (process.state == RunState{'t'}) read_tracer(process);
      for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
        read_thread(process, ThreadIndex{process.first_thread + t});
      }
    }
    if (lock_wanted_) read_locks();
    if (hidden_ != 0) {
      survey_.blinds.push_back(
          {fmt::format("what {} threads wait for in their memory", hidden_),
           ::geteuid() == 0 ? "a security module denies it to root" : "run plumb as root"});
    }
  }

 private:
  void read_tracer(Process& process) {
    const ProcPath path(number(process.key.pid), "/status");
    const auto text = reader_.read(proc_, path.c_str(), kProcessFileLimit);
    if (!text) return;
    constexpr std::string_view kTracer = "\nTracerPid:";
    const auto at = text->find(kTracer);
    if (at == std::string_view::npos) return;
    std::string_view rest = text->substr(at + kTracer.size());
    const auto pid = parse_number<std::int32_t>(trim(take_until(rest, '\n')));
    if (pid && *pid > 0) process.tracer = Pid{*pid};
  }

  void read_thread(const Process& process, ThreadIndex index) {
    const Thread& thread = survey_.threads[number(index)];
    if (!thread.waits_in) return;
    const BlockingCall call = *thread.waits_in;
    ThreadWait wait;
    wait.thread = index;
    const bool in_memory = points_to_memory(call);
    read_wait_memory(
        call, clocks_,
        [&](std::uint64_t address, std::span<std::byte> into) {
          return read_memory(process.key.pid, address, into);
        },
        wait);
    const std::int32_t tid = number(thread.tid);
    if (in_memory && !still_in(tid, call)) return;
    lock_wanted_ |= call.number == SYS_flock || call.number == SYS_fcntl;
    const ProcPath path(tid, "/wchan");
    if (const auto text = reader_.read(proc_, path.c_str(), 256); text && *text != "0") {
      wait.kernel_function = survey_.texts.add(*text);
    }
    survey_.waits.push_back(std::move(wait));
  }

  // /proc/TID exists for each thread, though it is not listed.
  bool still_in(std::int32_t tid, const BlockingCall& call) {
    const ProcPath path(tid, "/syscall");
    const auto text = reader_.read(proc_, path.c_str(), kProcessFileLimit);
    if (!text) {
      if (reader_.error() == EPERM || reader_.error() == EACCES) ++hidden_;
      return false;
    }
    const auto again = parse_syscall(*text);
    return again && same_call(*again, call);
  }

  void read_locks() {
    const auto text = reader_.read(proc_, "locks", kLocksLimit);
    if (!text) return;
    survey_.locks = wanted_locks(*text);
    // Whoever has a wanted file open may have its lock: fdinfo says which open file does.
    for (std::uint32_t d = 0; d < survey_.descriptors.size() && !survey_.locks.empty(); ++d) {
      const Descriptor& row = survey_.descriptors[d];
      const auto wanted = [&](const FileLock& lock) {
        return lock.inode == row.inode && lock.device_major == row.device_major &&
               lock.device_minor == row.device_minor;
      };
      if (std::ranges::none_of(survey_.locks, wanted)) continue;
      for (const FileLock& held : locks_of(row)) {
        for (FileLock& lock : survey_.locks) {
          const bool same = wanted(lock) && lock.sort == held.sort && lock.taker == held.taker;
          if (same && std::ranges::find(lock.holds, DescriptorIndex{d}) == lock.holds.end()) {
            lock.holds.push_back(DescriptorIndex{d});
          }
        }
      }
    }
  }

  std::vector<FileLock> locks_of(const Descriptor& row) {
    const std::int32_t owner =
        row.table == Tid{} ? number(survey_.process_of(row).key.pid) : number(row.table);
    const std::string path = fmt::format("{}/fdinfo/{}", owner, number(row.fd));
    const auto text = reader_.read(proc_, path.c_str(), kLockFdinfoLimit);
    std::vector<FileLock> locks;
    std::string_view rest = text.value_or("");
    constexpr std::string_view kPrefix = "lock:";
    while (!rest.empty()) {
      std::string_view line = take_until(rest, '\n');
      if (!line.starts_with(kPrefix)) continue;
      auto parsed = parse_lock_line(trim(line.substr(kPrefix.size())));
      if (parsed && !parsed->waits) locks.push_back(std::move(parsed->lock));
    }
    return locks;
  }

  Survey& survey_;
  UniqueFd proc_;
  ProcReader reader_;
  const WaitClocks clocks_{now(CLOCK_REALTIME), now(CLOCK_MONOTONIC), now(CLOCK_BOOTTIME)};
  bool lock_wanted_ = false;
  std::uint64_t hidden_ = 0;
};

}  // namespace

void read_thread_waits(Survey& survey) {
  Reader(survey).read_all();
}

}  // namespace plumb::detect
