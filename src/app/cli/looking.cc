// SPDX-License-Identifier: Apache-2.0
// Taking surveys for commands.
#include "app/cli/looking.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "app/cli/suggestion.h"
#include "detect/report/summary.h"
#include "detect/source/survey_source.h"
#include "plumb/base/human.h"

namespace plumb::app {
namespace {

// A line on the terminal that says how long it has been going on; gone when it is over.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)) {
    if (::isatty(STDERR_FILENO) == 1) thread_ = std::jthread([this] { run(); });
  }
  ~Progress() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
  }

 private:
  void run() {
    using namespace std::chrono_literals;
    const auto start = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    bool shown = false;
    for (auto next = start + 1s; !changed_.wait_until(lock, next, [&] { return done_; });
         next += 200ms) {
      const auto spent = std::chrono::steady_clock::now() - start;
      std::fprintf(stderr, "\r\x1b[K%s … %s", what_.c_str(), human_duration(spent).c_str());
      shown = true;
    }
    if (shown) std::fputs("\r\x1b[K", stderr);
  }

  std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::jthread thread_;  // last: joined before what it uses goes
};

}  // namespace

std::optional<detect::Survey> look(const detect::SurveyRequest& request) {
  const Progress progress("looking at the machine");
  auto source = detect::open_survey(request);
  if (!source) {
    complain(source.error().message());
    return std::nullopt;
  }
  auto survey = (*source)->take(request);
  if (!survey) {
    complain(survey.error().message());
    return std::nullopt;
  }
  return std::move(survey).value();
}

std::optional<std::vector<detect::Selector>> read_selectors(const std::vector<std::string>& texts) {
  std::vector<detect::Selector> selectors;
  for (const std::string& text : texts) {
    auto selector = detect::parse_selector(text);
    if (!selector) {
      complain(selector.error().message());
      return std::nullopt;
    }
    selectors.push_back(std::move(selector).value());
  }
  return selectors;
}

bool complain_of_unmatched(const detect::Survey& survey, const detect::Selection& selection) {
  for (const detect::Selector& selector : selection.unmatched) {
    complain("nothing matches " + detect::clean(selector.text) +
             did_you_mean(detect::nearest(survey, selector)));
  }
  return !selection.unmatched.empty();
}

void mention_missing(const detect::Survey& survey) {
  std::fputs(detect::missing_text(survey).c_str(), stderr);
}

}  // namespace plumb::app
