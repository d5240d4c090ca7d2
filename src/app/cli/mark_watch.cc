// SPDX-License-Identifier: Apache-2.0
// Collecting marks.
#include "app/cli/mark_watch.h"

#include <utility>

#include "detect/source/journal_marks.h"

namespace plumb::app {
namespace {

constexpr std::size_t kMostMarks = 20'000;

}  // namespace

MarkWatch::MarkWatch() {
  if (auto socket = detect::MarkSocket::open()) {
    socket_.emplace(*std::move(socket));
  } else {
    missing_.push_back("marks of scripts: " + socket.error().message());
  }
  if (auto kernel = detect::MarkSource::open()) {
    kernel_ = *std::move(kernel);
  } else {
    missing_.push_back("starts of programs, runs of jobs: " + kernel.error().message());
  }
}

void MarkWatch::add(detect::Mark mark) {
  if (marks_.size() < kMostMarks) marks_.push_back(std::move(mark));
}

void MarkWatch::follow(Pid process) {
  if (kernel_) (void)kernel_->follow_jobs(process);  // others have no jobs to tell of
}

void MarkWatch::attend() {
  const auto take = [this](detect::Mark mark) { add(std::move(mark)); };
  if (socket_) socket_->take(take);
  if (kernel_) kernel_->take(take);
}

void MarkWatch::read_journal(BootTime since) {
  auto marks = detect::read_journal(since);
  if (!marks) {
    missing_.push_back("runs of cron and of timers: " + marks.error().message());
    return;
  }
  for (detect::Mark& mark : *marks) add(std::move(mark));
}

}  // namespace plumb::app
