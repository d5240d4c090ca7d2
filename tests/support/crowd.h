// SPDX-License-Identifier: Apache-2.0
// A crowd of clients in a process of its own, with a descriptor table of its own: what they live
// through while the server under test has run out of descriptors.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "plumb/base/unique_fd.h"

namespace plumb::test {

// Each connects at once; a talking one says "hi\n" at once and takes the first answer.
struct CrowdPlan {
  std::uint16_t port = 0;
  int clients = 0;
  bool talk = true;
  int patience_ms = 10'000;  // of silence that count as a hang
};

struct CrowdOutcome {
  int ok = 0;     // "ok\n"
  int busy = 0;   // "busy\n"
  int ended = 0;  // FIN without an answer
  int reset = 0;
  int hang = 0;
  int slowest_ms = 0;
};

// Starts when made. The clients stay connected until it dies; silent ones report at once.
class Crowd {
 public:
  explicit Crowd(const CrowdPlan& plan);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Readable, as one CrowdOutcome, when every client has met its fate. Non-blocking.
  UniqueFd take_report() { return std::move(report_); }

 private:
  pid_t child_ = -1;
  UniqueFd leave_;
  UniqueFd report_;
};

}  // namespace plumb::test
