// SPDX-License-Identifier: Apache-2.0
// JSON of lists and counts.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/records.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kBatch = 1024;  // rows, about 400 KiB of text

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

// Two threads write one batch after the other: each takes the next, makes its text, waits for its
// turn and gives the text away, and so one makes text while the other is in the sink. Half of the
// time goes into the sink: a page of tmpfs costs as much as the text that it holds.
class Writers {
 public:
  Writers(const Joined& joined, Rows rows, std::vector<bool> first, const Sink& sink)
      : joined_(joined), rows_(rows), first_(std::move(first)), sink_(sink) {}

  // False where nobody wants more.
  bool run() {
    const bool helped = rows_.size() > 4 * kBatch && std::thread::hardware_concurrency() > 1;
    std::jthread helper;
    if (helped) helper = std::jthread([this] { work(); });
    work();
    if (helped) helper.join();
    return wanted_;
  }

 private:
  void work() {
    JsonWriter json;
    DescriptorRecords records(joined_);
    std::unique_lock lock(mutex_);
    while (wanted_ && next_ * kBatch < rows_.size()) {
      const std::size_t batch = next_++;
      lock.unlock();
      json.clear();
      write_batch(json, records, batch * kBatch);
      lock.lock();
      changed_.wait(lock, [&] { return turn_ == batch; });
      if (wanted_) {
        lock.unlock();
        const bool wanted = sink_(json.text());
        lock.lock();
        wanted_ = wanted;
      }
      ++turn_;
      changed_.notify_all();
    }
  }

  void write_batch(JsonWriter& json, DescriptorRecords& records, std::size_t begin) const {
    const std::size_t end = std::min(begin + kBatch, rows_.size());
    for (std::size_t at = begin; at < end; ++at) {
      if (first_[at]) write_process(json, joined_, joined_.row(rows_[at]).process);
      records.write(json, rows_[at]);
    }
  }

  const Joined& joined_;
  Rows rows_;
  std::vector<bool> first_;
  const Sink& sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;  // batch to make
  std::size_t turn_ = 0;  // batch to give away
  bool wanted_ = true;
};

}  // namespace

void write_list_json(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                     const std::vector<ProcessIndex>& unreadable, const Sink& sink) {
  std::vector<bool> seen(joined.survey.processes.size());
  if (!Writers(joined, rows, first_rows(joined, rows, seen), sink).run()) return;
  JsonWriter json;
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
    if (!pass_on(json, sink)) return;
  }
  write_survey(json, survey);
  sink(json.text());
}

}  // namespace plumb::detect
