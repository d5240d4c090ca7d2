// SPDX-License-Identifier: Apache-2.0
// LastRuns: a memory of when each job last ran, so that a daily job of a service that is restarted
// every day does run. A file serves most; a database is the user's own implementation.
// Threads: those of the jobs' loop.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "plumb/base/result.h"

namespace plumb::runtime {

class LastRuns {
 public:
  using Time = std::chrono::system_clock::time_point;
  virtual ~LastRuns() = default;
  virtual std::optional<Time> last(std::string_view job) const = 0;
  // Called at the end of each run that succeeded. Must be quick.
  virtual Result<void> ran(std::string_view job, Time at) = 0;
};

// One line a job, `SECONDS NAME`, seconds since 1970. The file is replaced as a whole (rename), so
// that a crash leaves the old one or the new one.
class LastRunsFile final : public LastRuns {
 public:
  // Reads `path`; a file that is not there is empty. Errors: of open and read; EINVAL with the
  // number of a line that is none.
  static Result<LastRunsFile> open(std::string path);

  std::optional<Time> last(std::string_view job) const override;
  // Errors: of creating `path`.new, writing and renaming it.
  Result<void> ran(std::string_view job, Time at) override;

 private:
  explicit LastRunsFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::map<std::string, Time, std::less<>> times_;
};

}  // namespace plumb::runtime
