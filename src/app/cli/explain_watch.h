// SPDX-License-Identifier: Apache-2.0
// ExplainWatch: the facts of an explanation while they come: a survey again and again, what its
// counts did in between, marks, what processes have inside, and what is said on connections. The
// trace, which has a life of its own, is lent to it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/inner_looks.h"
#include "app/cli/mark_watch.h"
#include "app/cli/read_along.h"
#include "app/cli/survey_view.h"
#include "app/cli/trace_session.h"
#include "detect/finding/recorded_facts.h"
#include "detect/source/survey_source.h"

namespace plumb::app {

class ExplainWatch {
 public:
  // Takes the first survey. Errors: of detect::open_survey and of taking one.
  static Result<std::unique_ptr<ExplainWatch>> open(std::vector<detect::Selector> victims,
                                                    detect::Secrets secrets);

  const detect::Joined& first() const { return first_->joined; }
  const detect::Joined& now() const { return now_ ? now_->joined : first_->joined; }
  const detect::Selection& selection() const { return selection_; }  // of the first survey
  const detect::Observation& observation() const { return observation_; }
  const std::vector<Pid>& victims() const { return victims_; }  // that are chosen by themselves
  // How long the last survey took, and how much of a processor: less on a busy machine.
  std::chrono::nanoseconds took() const { return took_; }
  std::chrono::nanoseconds cost() const { return cost_; }
  ReadAlong& reading() { return reading_; }
  InnerLooks& inner() { return inner_; }
  void set_rerun(detect::Rerun rerun) { rerun_ = rerun; }

  // Looks into the process, and for its marks, from now on.
  void follow(Pid process);
  // Takes in the marks and exchanges that have come.
  void attend();
  // Another survey, and a look into processes. What has ended keeps what was found of it: false
  // where the victims are gone, and the last look that had them is the last. Errors: of a survey.
  Result<bool> look();
  // A survey alone, whoever is gone.
  Result<void> look_once_more();
  // From then on looks are to be so many times rarer than at first: 1, 2, 4, …
  int stride() const { return stride_; }
  // Reads along where processes wait for each other over a connection, at every fourth look.
  void listen_in(const TraceSession* session);
  // No more will come.
  void finish();

  detect::Explanation conclude(const TraceSession* session);
  // For a recording. `traced`: processes whose stacks are taken.
  detect::FactList rows(const TraceSession* session, std::uint64_t traced,
                        const std::string& untraced);
  // What could not be seen; `more` for who wants everything. `untraced`: why there is no trace.
  std::vector<std::string> missing(const TraceSession* session, const std::string& untraced,
                                   bool more) const;

 private:
  ExplainWatch(std::unique_ptr<detect::SurveySource> source,
               std::vector<detect::Selector> selectors, detect::Secrets secrets)
      : source_(std::move(source)), selectors_(std::move(selectors)), secrets_(secrets) {}
  Result<std::unique_ptr<SurveyView>> take();
  void choose_victims();
  bool victims_gone(const detect::Survey& survey) const;
  // Calls use(const Facts&).
  template <typename Use>
  auto with_facts(const TraceSession* session, Use&& use);

  std::unique_ptr<detect::SurveySource> source_;
  std::vector<detect::Selector> selectors_;
  detect::Secrets secrets_;
  std::unique_ptr<SurveyView> first_;
  std::unique_ptr<SurveyView> now_;
  detect::Selection selection_;
  std::vector<Pid> victims_;
  detect::Observation observation_;
  MarkWatch marks_;
  ReadAlong reading_;
  InnerLooks inner_;
  std::optional<detect::Rerun> rerun_;
  detect::PortRange ephemeral_;
  std::chrono::nanoseconds took_{};
  std::chrono::nanoseconds cost_{};
  int stride_ = 1;
};

}  // namespace plumb::app
