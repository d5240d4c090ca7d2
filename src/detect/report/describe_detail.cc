// SPDX-License-Identifier: Apache-2.0
// One overload for each kind that has details.
#include "detect/report/describe_detail.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <iterator>
#include <string_view>

#include "detect/model/tables.h"
#include "detect/report/describe.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostListed = 8;  // watches in a line; the JSON has all

std::string_view clock_name(std::int32_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
      return "realtime";
    case CLOCK_MONOTONIC:
      return "monotonic";
    case CLOCK_BOOTTIME:
      return "boottime";
    case CLOCK_REALTIME_ALARM:
      return "realtime alarm";
    case CLOCK_BOOTTIME_ALARM:
      return "boottime alarm";
    default:
      return "another clock";
  }
}

class Describer {
 public:
  Describer(std::string& out, const Survey& survey) : out_(out), survey_(survey) {}

  void operator()(const EpollDetail& epoll) {
    if (epoll.watches.empty()) {
      out_ += "watches nothing";
      return;
    }
    print("watches {}:", epoll.watches.size());
    for (std::size_t w = 0; w < epoll.watches.size() && w < kMostListed; ++w) {
      print(" {}", number(epoll.watches[w].fd));
    }
    if (epoll.watches.size() > kMostListed) out_ += " …";
  }
  void operator()(const EventfdDetail& event) {
    print("count {}", event.count);
    if (event.id) print(", eventfd {}", *event.id);
  }
  void operator()(const TimerfdDetail& timer) {
    out_ += clock_name(timer.clock);
    if (timer.remaining.count() == 0) {
      out_ += ", disarmed";
    } else {
      out_.append(", in ").append(human_duration(timer.remaining));
    }
    if (timer.interval.count() != 0) out_.append(", every ").append(human_duration(timer.interval));
    if (timer.expirations != 0) print(", expired {} times", timer.expirations);
  }
  void operator()(const SignalfdDetail& signals) {
    std::string_view separator;
    for (int signal = 1; signal <= 64; ++signal) {
      if ((signals.mask >> (signal - 1) & 1) == 0) continue;
      out_ += separator;
      separator = " ";
      const char* name = ::sigabbrev_np(signal);
      if (name != nullptr) {
        out_ += name;
      } else {
        print("{}", signal);
      }
    }
  }
  void operator()(const InotifyDetail& inotify) {
    print("{} watch{}", inotify.watches.size(), inotify.watches.size() == 1 ? "" : "es");
    std::string_view separator = ": ";
    for (std::size_t w = 0; w < inotify.watches.size() && w < 3; ++w) {
      const InotifyWatch& watch = inotify.watches[w];
      print("{}inode {} of {}:{}", separator, watch.inode, watch.device_major, watch.device_minor);
      separator = ", ";
    }
    if (inotify.watches.size() > 3) out_ += ", …";
  }
  void operator()(const FanotifyDetail& fanotify) {
    print("{} mark{}", fanotify.marks, fanotify.marks == 1 ? "" : "s");
  }
  void operator()(const PidfdDetail& pidfd) {
    if (!pidfd.pid) {
      out_ += "its process is gone";
      return;
    }
    out_ += "process ";
    if (const auto process = find_process(survey_, *pidfd.pid)) {
      append_process(out_, survey_, survey_.processes[number(*process)]);
    } else {
      print("{}", number(*pidfd.pid));
    }
  }
  void operator()(const BpfDetail& bpf) {
    print("id {}", bpf.id);
    if (bpf.type >= 0) print(", type {}", bpf.type);
  }
  void operator()(const IoUringDetail& ring) {
    print("{} to submit, {} completed, {} files", ring.submissions_pending,
          ring.completions_pending, ring.registered_files);
  }
  void operator()(const PtyDetail& pty) {
    if (pty.master) print("master of /dev/pts/{}", pty.index);
  }
  void operator()(const DmabufDetail& dmabuf) { out_ += human_size(dmabuf.bytes); }

 private:
  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }
  std::string& out_;
  const Survey& survey_;
};

}  // namespace

void append_detail(std::string& out, const Survey& survey, const Detail& detail) {
  std::visit(Describer(out, survey), detail);
}

}  // namespace plumb::detect
