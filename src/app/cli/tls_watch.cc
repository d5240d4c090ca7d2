// SPDX-License-Identifier: Apache-2.0
// Looking into TLS as processes come.
#include "app/cli/tls_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "detect/symbol/go_tls.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

// A library is mapped some milliseconds after the start of its program, or when it is first needed.
constexpr std::array<std::chrono::nanoseconds, 2> kAgain = {100ms, 1s};
constexpr std::size_t kMostYoung = 256;
constexpr std::size_t kMostSentences = 20;

std::optional<FileKey> file_of(const UniqueFd& open) {
  struct stat file {};
  if (::fstat(open.get(), &file) != 0) return std::nullopt;
  return FileKey{file.st_dev, file.st_ino};
}

}  // namespace

void TlsWatch::look_into(std::span<const Pid> chosen) {
  for (std::string& blind : source_.look_into_tls(chosen)) say(std::move(blind));
  for (const Pid process : chosen) look_into_go(process, true);
}

void TlsWatch::heard(const CapturePiece& piece) {
  const bool started = piece.what == CapturePiece::What::kStarted;
  if (!started && piece.what != CapturePiece::What::kForked) return;
  if (young_.size() >= kMostYoung) young_.pop_front();
  young_.push_back({.due = piece.time, .began = piece.time, .pid = piece.pid, .name = piece.name});
  // A child has what its parent has; only a program loads libraries that are not known.
  if (!started) young_.back().looks = static_cast<int>(kAgain.size());
}

void TlsWatch::attend() {
  const BootTime now = BootClock::now();
  std::deque<Young> later;
  for (Young& young : std::exchange(young_, {})) {
    if (young.due > now) {
      later.push_back(std::move(young));
      continue;
    }
    look_again_at(young);
    const auto look = static_cast<std::size_t>(young.looks++);
    if (look >= kAgain.size()) continue;
    young.due = young.began + kAgain[look];
    later.push_back(std::move(young));
  }
  young_ = std::move(later);
}

void TlsWatch::look_again_at(const Young& young) {
  bool more = young.looks == 0 && look_into_go(young.pid, false);
  more |= source_.look_into_started(young.pid);
  if (!more) return;
  source_.seen_from_now_on(young.pid);
  const auto missed = std::chrono::ceil<std::chrono::milliseconds>(BootClock::now() - young.began);
  say(fmt::format("what {} ({}) did inside of TLS in its first {} ms, before it was looked into",
                  young.name, number(young.pid), missed.count()));
}

// True where it is a Go program that was not looked into so far. Of a file that a chosen process
// runs, each process is looked into by itself: probes of everybody would see its calls twice.
bool TlsWatch::look_into_go(Pid process, bool chosen) {
  // Kept open, so that its name is good when the process has ended meanwhile.
  const auto open = UniqueFd::open("/proc/" + std::to_string(number(process)) + "/exe", O_RDONLY);
  const auto file = open.ok() ? file_of(*open) : std::nullopt;
  if (!file) return false;
  const auto known = go_programs_.find(*file);
  if (known != go_programs_.end() && known->second != Users::kOne) return false;
  const std::string image = "/proc/self/fd/" + std::to_string(open->get());
  const auto places = find_go_tls(image);
  const Users users = !places                                 ? Users::kNobody
                      : chosen || known != go_programs_.end() ? Users::kOne
                                                              : Users::kEverybody;
  go_programs_[*file] = users;
  if (!places) return false;
  const auto only = users == Users::kOne ? std::optional(process) : std::nullopt;
  const auto done = source_.look_into_go(only, image, *places);
  if (!done) {
    say(fmt::format("what passes through Go's TLS in process {}: {}", number(process),
                    done.error().message()));
  }
  return done.ok();
}

void TlsWatch::say(std::string sentence) {
  if (blinds_.size() < kMostSentences) blinds_.push_back(std::move(sentence));
}

}  // namespace plumb::app
