// SPDX-License-Identifier: Apache-2.0
// MarkWatch: all marks that reach an explanation, whatever they come from, in one list.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/record/mark.h"
#include "detect/source/mark_socket.h"
#include "detect/source/mark_source.h"
#include "plumb/base/ids.h"

namespace plumb::app {

// Keeps at most 20,000 marks. Whatever cannot be listened to is left out and told by missing().
class MarkWatch {
 public:
  MarkWatch();

  // The jobs of this process too, where it is a program on plumb's runtime.
  void follow(Pid process);
  // Takes in what has come.
  void attend();
  // Adds what the journal has since then, by time: cron's commands and units.
  void read_journal(BootTime since);

  std::span<const detect::Mark> marks() const { return marks_; }
  // What could not be listened to, and why.
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  void add(detect::Mark mark);

  std::optional<detect::MarkSocket> socket_;
  std::unique_ptr<detect::MarkSource> kernel_;
  std::vector<detect::Mark> marks_;
  std::vector<std::string> missing_;
};

}  // namespace plumb::app
