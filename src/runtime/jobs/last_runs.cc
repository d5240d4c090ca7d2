// SPDX-License-Identifier: Apache-2.0
// The file of last runs.
#include "plumb/jobs/last_runs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "plumb/base/text.h"
#include "plumb/base/unique_fd.h"

namespace plumb::runtime {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr std::size_t kMostBytes = 1 << 20;

Result<void> write_all(const UniqueFd& fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

Result<LastRunsFile> LastRunsFile::open(std::string path) {
  LastRunsFile file(std::move(path));
  const auto text = read_file(file.path_, kMostBytes);
  if (!text && text.error().code == ENOENT) return file;
  if (!text) return text.error();
  std::size_t number = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    auto line = take_until(rest, '\n');
    ++number;
    const auto time = parse_number<std::int64_t>(take_until(line, ' '));
    if (!time || line.empty()) {
      return fail("read", file.path_ + ":" + std::to_string(number), EINVAL,
                  "a line is SECONDS NAME");
    }
    file.times_[std::string(line)] = system_clock::time_point(seconds(*time));
  }
  return file;
}

std::optional<LastRuns::Time> LastRunsFile::last(std::string_view job) const {
  const auto found = times_.find(job);
  if (found == times_.end()) return std::nullopt;
  return found->second;
}

Result<void> LastRunsFile::ran(std::string_view job, Time at) {
  times_.insert_or_assign(std::string(job), at);
  std::string text;
  for (const auto& [name, time] : times_) {
    const auto whole = std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
    text += std::to_string(whole) + ' ' + name + '\n';
  }
  const std::string fresh = path_ + ".new";
  UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail("create", fresh, errno);
  if (auto written = write_all(fd, fresh, text); !written) return written;
  if (::rename(fresh.c_str(), path_.c_str()) != 0) return fail("rename to", path_, errno);
  return {};
}

}  // namespace plumb::runtime
