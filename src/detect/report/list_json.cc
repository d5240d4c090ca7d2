// SPDX-License-Identifier: Apache-2.0
// JSON of lists and counts.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "detect/report/list.h"
#include "detect/report/records.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kBatch = 4096;  // rows, about 2 MiB of text

using Rows = std::span<const DescriptorIndex>;

// The rows before which their process's record stands: its first ones, however they are sorted.
// `seen` tells afterwards which processes have rows.
std::vector<bool> first_rows(const Joined& joined, Rows rows, std::vector<bool>& seen) {
  std::vector<bool> first(rows.size());
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const std::uint32_t process = number(joined.row(rows[at]).process);
    first[at] = !seen[process];
    seen[process] = true;
  }
  return first;
}

// What both threads read.
struct Job {
  const Joined& joined;
  Rows rows;
  std::vector<bool> first;
};

void write_batch(JsonWriter& json, const Job& job, std::size_t begin) {
  const std::size_t end = std::min(begin + kBatch, job.rows.size());
  for (std::size_t at = begin; at < end; ++at) {
    if (job.first[at]) write_process(json, job.joined, job.joined.row(job.rows[at]).process);
    write_descriptor(json, job.joined, job.rows[at]);
  }
}

// A second thread that prepares every other batch, one ahead of the reader.
class Helper {
 public:
  explicit Helper(const Job& job) : job_(job), thread_([this] { run(); }) {}
  ~Helper() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  // The next odd batch; good until give_back().
  const JsonWriter& take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_; });
    return json_;
  }
  void give_back() {
    {
      const std::lock_guard lock(mutex_);
      ready_ = false;
    }
    changed_.notify_all();
  }

 private:
  void run() {
    for (std::size_t first = kBatch; first < job_.rows.size(); first += 2 * kBatch) {
      json_.clear();
      write_batch(json_, job_, first);
      std::unique_lock lock(mutex_);
      ready_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !ready_ || stopped_; });
      if (stopped_) return;
    }
  }

  const Job& job_;
  JsonWriter json_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  bool stopped_ = false;
  std::jthread thread_;  // last: it uses all of the above, and is joined first
};

}  // namespace

void write_list_json(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                     const std::vector<ProcessIndex>& unreadable, const Sink& sink) {
  std::vector<bool> seen(joined.survey.processes.size());
  const Job job{joined, rows, first_rows(joined, rows, seen)};
  JsonWriter json;
  std::optional<Helper> helper;
  if (rows.size() > 4 * kBatch && std::thread::hardware_concurrency() > 1) {
    helper.emplace(job);
  }
  for (std::size_t first = 0, batch = 0; first < rows.size(); first += kBatch, ++batch) {
    if (helper && batch % 2 == 1) {
      if (!sink(helper->take().text())) return;
      helper->give_back();
      continue;
    }
    json.clear();
    write_batch(json, job, first);
    if (!sink(json.text())) return;
  }
  json.clear();
  for (const ProcessIndex process : unreadable) {
    if (!seen[number(process)]) write_process(json, joined, process);
  }
  write_survey(json, joined.survey);
  sink(json.text());
}

void write_counts_json(const Survey& survey, const std::vector<ProcessCount>& counts,
                       const Sink& sink) {
  JsonWriter json;
  for (const ProcessCount& count : counts) {
    const Process& process = survey.processes[number(count.process)];
    json.begin("count", kCountSchema);
    json.member("pid", number(process.key.pid));
    json.member("start_ticks", process.key.start.count());
    json.member("process", survey.texts.at(process.name));
    json.member("descriptors", count.total);
    if (process.descriptor_limit) json.member("descriptor_limit", *process.descriptor_limit);
    write_kinds(json, count.kinds);
    json.end();
    if (json.size() < kPiece) continue;
    if (!sink(json.text())) return;
    json.clear();
  }
  write_survey(json, survey);
  sink(json.text());
}

}  // namespace plumb::detect
