// SPDX-License-Identifier: Apache-2.0
// ProcessMetrics: what Prometheus' client libraries tell of every process, under their names:
// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
// process_open_fds, process_max_fds, process_start_time_seconds
// (prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics").
//
// /proc/self/stat stays open, so that a process whose descriptor table is full can still say so.
// A value that cannot be had is left out. After a fork the child needs an object of its own.
// Threads: as Registry::collect().
#pragma once

#include "plumb/base/unique_fd.h"
#include "plumb/meter/registry.h"

namespace plumb::runtime {

class ProcessMetrics {
 public:
  // The registry must outlive it.
  explicit ProcessMetrics(Registry& registry);

 private:
  void collect(Scrape& scrape) const;

  UniqueFd stat_;
  double boot_time_ = 0;  // seconds since 1970; 0: unknown
  Registry::Collector collector_;
};

}  // namespace plumb::runtime
