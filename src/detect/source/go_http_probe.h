// SPDX-License-Identifier: Apache-2.0
// GoHttpProbe: uprobes at the beginning of functions of Go's HTTP client in one process, which keep
// for each connection the request that went out on it last, until the connection is closed, or idle
// where that is probed too.
// Never at a return: a probe there corrupts the stacks that Go moves.
//
// Costs a trap a request, two with that of idle connections (bench/results/goroutines.md), nothing
// elsewhere. The probes go with this object, also when plumb dies. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/record/go_request.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

// Where the functions are: offsets in the file `image`, a path that the kernel follows to the
// binary. What is absent is not probed.
struct GoHttpPlaces {
  Pid process{};
  std::string image;
  std::optional<std::uint64_t> round_trip;   // (*persistConn).roundTrip
  std::optional<std::uint64_t> idle;         // (*Transport).tryPutIdleConn
  std::vector<std::uint64_t> ends;           // (*persistConn).close, closeLocked
  std::optional<std::uint64_t> round_trip2;  // (*http2ClientConn).roundTrip
  std::optional<std::uint64_t> stream;       // (*http2clientStream).doRequest
  std::optional<std::uint64_t> stream_end;   // (*http2clientStream).cleanupWriteRequest
  std::uint64_t goroutine_id = 0;            // offset of goid in runtime.g
};

class GoHttpProbe {
 public:
  virtual ~GoHttpProbe() = default;

  // Errors: EPERM without CAP_BPF and CAP_PERFMON, ESRCH, EINVAL where the kernel refuses a place.
  static Result<std::unique_ptr<GoHttpProbe>> open(const GoHttpPlaces& places);

  // The last requests of the connections that are known, oldest first.
  virtual Result<std::vector<GoRequest>> read() = 0;
  virtual GoRequestLosses losses() const = 0;
};

}  // namespace plumb::detect
