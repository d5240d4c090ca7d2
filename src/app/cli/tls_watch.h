// SPDX-License-Identifier: Apache-2.0
// TlsWatch: the TLS of the captured processes looked into, also of those that start meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "detect/record/capture.h"
#include "detect/source/capture_source.h"
#include "detect/symbol/image.h"
#include "plumb/base/clock.h"

namespace plumb::app {

// Refers to a source that outlives it. Threads: one.
class TlsWatch {
 public:
  explicit TlsWatch(detect::CaptureSource& source) : source_(source) {}

  // Of the processes that were chosen.
  void look_into(std::span<const Pid> chosen);
  // Takes note of kStarted and kForked; attend() does what there is to do. Apart from each other,
  // because the source hands out pieces while it is busy.
  void heard(const detect::CapturePiece& piece);
  // Looks into those that have come, and again into those that were too young to have their
  // libraries.
  void attend();

  // What could not be looked into, or not from the beginning: sentences.
  const std::vector<std::string>& blinds() const { return blinds_; }

 private:
  struct Young {
    BootTime due{};
    BootTime began{};
    Pid pid{};
    std::string name;
    int looks = 0;
  };

  // By whom a Go program's calls are looked into.
  enum class Users : std::uint8_t { kNobody, kOne, kEverybody };

  bool look_into_go(Pid process, bool chosen);
  void look_again_at(const Young& young);
  void say(std::string sentence);

  detect::CaptureSource& source_;
  std::deque<Young> young_;
  std::map<detect::FileKey, Users> go_programs_;
  std::vector<std::string> blinds_;
};

}  // namespace plumb::app
