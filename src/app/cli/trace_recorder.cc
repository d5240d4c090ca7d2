// SPDX-License-Identifier: Apache-2.0
// Writing down a trace.
#include "app/cli/trace_recorder.h"

#include <sys/utsname.h>

#include <algorithm>
#include <ctime>

#include "app/cli/command.h"
#include "app/cli/usage.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::chrono::nanoseconds kPause = std::chrono::seconds(1);
constexpr int kShare = 20;

// The time of the day in UTC, "2024-05-01T12:00:00Z".
std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return text;
}

}  // namespace

Result<std::unique_ptr<TraceRecorder>> TraceRecorder::open(const std::string& path,
                                                           std::uint64_t most_bytes) {
  auto writer = RecordingWriter::create(path, most_bytes);
  if (!writer) return std::move(writer).error();
  (*writer)->about("plumb", version());
  (*writer)->about("began", time_of_day());
  utsname system{};
  if (::uname(&system) == 0) {
    (*writer)->about("host", system.nodename);
    (*writer)->about("kernel", system.release);
  }
  return std::unique_ptr<TraceRecorder>(new TraceRecorder(*std::move(writer)));
}

Result<void> TraceRecorder::write(const TraceDocument& document,
                                  const std::vector<LiveHolding>& rows) {
  const BootTime began = BootClock::now();
  TraceRecording trace;
  trace.facts = document.ledger.record(rows);
  for (const auto& [key, text] : document.texts) {
    const auto& [pid, fd, file] = key;
    trace.names.push_back({pid, fd, file, text.name, text.other_end});
  }
  trace.losses = document.losses;
  trace.repairs = document.repairs;
  trace.unnamed_stacks = document.unnamed_stacks;
  trace.command = document.command;
  trace.all_closings = document.all_closings;
  trace.kinds = document.kinds;
  trace.named_kinds = document.named_kinds;

  std::vector<SiteCount> counts;
  for (const Site& site : document.ledger.sites()) {
    counts.push_back({SiteIndex{static_cast<std::uint32_t>(counts.size())},
                      site.live + site.at_exit, site.created, site.closed});
  }
  writer_->sample(document.ledger.now(), counts);
  auto written = writer_->write(trace, document.stacks);
  whole_ = written.ok();
  const BootTime now = BootClock::now();
  next_ = now + std::max(kPause * writer_->stride(), (now - began) * kShare);
  return written;
}

void TraceRecorder::keep(FactList facts) {
  if (facts.left_out() > 0) {
    complain(std::to_string(facts.left_out()) + " facts are too long for the recording: left out");
  }
  const auto kept = writer_->put_facts(facts.take_facts());
  if (!kept) {
    complain(kept.error().message());
    return;
  }
  if (*kept) return;
  complain(
      "the recording has no room for what plumb report --explain needs: left out; a larger "
      "--max-size takes it");
}

}  // namespace plumb::app
