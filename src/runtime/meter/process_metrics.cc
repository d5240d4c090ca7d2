// SPDX-License-Identifier: Apache-2.0
// Reading /proc/self/stat (proc(5)) and counting descriptors.
#include "plumb/meter/process_metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "plumb/base/text.h"

namespace plumb::runtime {
namespace {

// Fields of /proc/PID/stat by their number in proc(5).
constexpr std::size_t kUserTicks = 14, kSystemTicks = 15, kStartTicks = 22, kVirtualBytes = 23,
                      kResidentPages = 24;

std::optional<double> boot_time() {
  const auto text = read_file("/proc/stat", 1 << 20);
  if (!text) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();) {
    auto line = take_until(rest, '\n');
    if (take_word(line) != "btime") continue;
    const auto seconds = parse_number<std::uint64_t>(take_word(line));
    if (seconds) return static_cast<double>(*seconds);
  }
  return std::nullopt;
}

// The size of the directory is the number of descriptors (Linux 6.2, commit f1f1f2569901); before
// that they have to be counted, which takes one more.
std::optional<double> open_descriptors() {
  struct stat directory {};
  if (::stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
    return static_cast<double>(directory.st_size);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  constexpr rlim_t kMostAsked = 65536;  // 0.1 us each
  double count = 0;
  for (rlim_t fd = 0; fd < std::min(limit.rlim_cur, kMostAsked); ++fd) {
    if (::fcntl(static_cast<int>(fd), F_GETFD) != -1) ++count;
  }
  return count;
}

}  // namespace

ProcessMetrics::ProcessMetrics(Registry& registry)
    : stat_(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC)),
      boot_time_(boot_time().value_or(0)),
      collector_(registry.collect([this](Scrape& scrape) { collect(scrape); })) {}

void ProcessMetrics::collect(Scrape& scrape) const {
  if (const auto count = open_descriptors()) {
    scrape.gauge("process_open_fds", "Open descriptors.", {}, *count);
  }
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    scrape.gauge("process_max_fds", "Most descriptors that may be open (RLIMIT_NOFILE).", {},
                 static_cast<double>(limit.rlim_cur));
  }
  std::array<char, 1024> buffer;
  const ssize_t got = ::pread(stat_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return;
  std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
  const auto name_end = rest.rfind(')');  // the name, field 2, may contain anything
  if (name_end == std::string_view::npos) return;
  rest.remove_prefix(name_end + 1);
  std::array<double, kResidentPages + 1> fields{};
  for (std::size_t number = 3; number < fields.size(); ++number) {
    const auto value = parse_number<std::uint64_t>(take_word(rest));
    fields[number] = value ? static_cast<double>(*value) : 0;
  }
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  scrape.counter("process_cpu_seconds_total", "Time on a CPU, in user and in kernel mode.", {},
                 (fields[kUserTicks] + fields[kSystemTicks]) * tick);
  scrape.gauge("process_virtual_memory_bytes", "Address space in use.", {}, fields[kVirtualBytes]);
  scrape.gauge("process_resident_memory_bytes", "Memory in RAM.", {},
               fields[kResidentPages] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  if (boot_time_ == 0) return;
  scrape.gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", {},
               boot_time_ + fields[kStartTicks] * tick);
}

}  // namespace plumb::runtime
