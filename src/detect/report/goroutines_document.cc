// SPDX-License-Identifier: Apache-2.0
// What all writers of goroutines agree on.
#include "detect/report/goroutines_document.h"

namespace plumb::detect {

GoroutinesDocument goroutines_document(const GoroutineSnapshot& snapshot, SystemGoroutines system) {
  GoroutinesDocument document{.snapshot = snapshot, .groups = group_goroutines(snapshot, system)};
  document.left_out = snapshot.goroutines.size();
  for (const GoroutineGroup& group : document.groups) document.left_out -= group.members.size();
  return document;
}

std::string_view doing(const GoroutineSnapshot& snapshot, GoroutineState state,
                       std::uint8_t reason) {
  const bool named =
      state == GoroutineState::kWaiting && reason != 0 && reason < snapshot.wait_reasons.size();
  return named ? std::string_view(snapshot.wait_reasons[reason]) : name_of(state);
}

}  // namespace plumb::detect
