// SPDX-License-Identifier: Apache-2.0
// The goroutines of a process, ready to be written. Each writer takes the same document.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/model/goroutine_groups.h"
#include "detect/record/goroutine.h"
#include "detect/report/sink.h"
#include "detect/report/terminal.h"

namespace plumb::detect {

struct GoroutinesDocument {
  const GoroutineSnapshot& snapshot;
  std::vector<GoroutineGroup> groups;
  std::uint64_t left_out = 0;  // the runtime's own
};

GoroutinesDocument goroutines_document(const GoroutineSnapshot& snapshot, SystemGoroutines system);

// What a goroutine does: the runtime's word for why it waits, else its state.
std::string_view doing(const GoroutineSnapshot& snapshot, GoroutineState state,
                       std::uint8_t reason);

void write_goroutines_text(const GoroutinesDocument& document, const Paper& paper,
                           const Sink& sink);
void write_goroutines_json(const GoroutinesDocument& document, const Sink& sink);
// A gzipped profile.proto with the sample types goroutine/count and waited/seconds and the labels
// state and creator.
void write_goroutines_pprof(const GoroutinesDocument& document, const Sink& sink);

}  // namespace plumb::detect
