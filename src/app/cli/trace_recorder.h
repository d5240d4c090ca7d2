// SPDX-License-Identifier: Apache-2.0
// TraceRecorder: when a running trace is written down, and what of it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "detect/record/fact_list.h"
#include "detect/record/recording_writer.h"
#include "detect/report/trace_document.h"
#include "plumb/base/clock.h"
#include "plumb/base/result.h"

namespace plumb::app {

class TraceRecorder {
 public:
  // Errors: of RecordingWriter::create.
  static Result<std::unique_ptr<TraceRecorder>> open(const std::string& path,
                                                     std::uint64_t most_bytes);

  // Whether the facts should be written now: every second at first, less often where that takes
  // more than a twentieth of the time, and as the trace grows long.
  bool due(BootTime now) const { return now >= next_; }

  // `rows` are those of the ledger's last pass. Errors: of RecordingWriter::write; nothing is
  // written after one.
  Result<void> write(const detect::TraceDocument& document,
                     const std::vector<detect::LiveHolding>& rows);
  // The facts of an explanation in the place of those that the file has. What finds no room is left
  // out, and that is said.
  void keep(detect::FactList facts);
  // Whether every write went well.
  bool whole() const { return whole_; }

 private:
  explicit TraceRecorder(std::unique_ptr<detect::RecordingWriter> writer)
      : writer_(std::move(writer)) {}

  std::unique_ptr<detect::RecordingWriter> writer_;
  BootTime next_{};
  bool whole_ = true;
};

}  // namespace plumb::app
