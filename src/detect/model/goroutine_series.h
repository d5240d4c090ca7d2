// SPDX-License-Identifier: Apache-2.0
// GoroutineSeries: what repeated snapshots of a process's goroutines show: how many of those that
// one go statement has started are alive, over time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detect/model/shape.h"
#include "detect/record/goroutine.h"

namespace plumb::detect {

class GoroutineSeries {
 public:
  struct Site {
    Frame creator;                    // the function with the go statement
    std::vector<SeriesPoint> counts;  // at every snapshot since it was first seen
  };

  GoroutineSeries() = default;
  // As it was when it was recorded.
  GoroutineSeries(std::map<std::string, Site> sites, GoroutineSnapshot last)
      : sites_(std::move(sites)), last_(std::move(last)) {}

  // Takes in one snapshot, in the order of time; keeps the last one whole. What the runtime has
  // started for itself is not counted.
  void add(BootTime time, GoroutineSnapshot snapshot);

  // By the place of the go statement: "main.handle:40".
  const std::map<std::string, Site>& sites() const { return sites_; }
  // The last snapshot, and the goroutines of a site in it.
  const GoroutineSnapshot* last() const { return last_ ? &*last_ : nullptr; }
  std::vector<const Goroutine*> members_of(const std::string& site) const;

 private:
  std::map<std::string, Site> sites_;
  std::optional<GoroutineSnapshot> last_;
};

}  // namespace plumb::detect
