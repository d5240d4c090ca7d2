// SPDX-License-Identifier: Apache-2.0
// DwflOracle: elfutils' own unwinder (libdwfl) on the same registers and the same copy of the
// stack.
#pragma once

#include <elfutils/libdwfl.h>

#include <memory>
#include <vector>

#include "detect/record/address.h"
#include "traced_process.h"

namespace plumb::detect {

class DwflOracle {
 public:
  explicit DwflOracle(Pid process);
  ~DwflOracle();
  DwflOracle(const DwflOracle&) = delete;
  DwflOracle& operator=(const DwflOracle&) = delete;

  // Reads the process's maps again.
  void report();

  struct Answer {
    std::vector<Address> frames;  // innermost first
    bool complete = false;        // it says that it reached the outermost frame
  };
  Answer unwind(const Snapshot& snapshot);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plumb::detect
