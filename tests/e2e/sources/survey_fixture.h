// SPDX-License-Identifier: Apache-2.0
// A survey of the running kernel, and ways to find one's own things in it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "detect/source/survey_source.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// The tests of both sources: each is run with either.
class SurveyTest : public testing::TestWithParam<Survey::Source> {
 protected:
  // Skips, with the reason, where BPF is not to be had.
  void SetUp() override {
    const bool bpf = GetParam() == Survey::Source::kBpf;
    auto source = bpf ? open_bpf_survey() : open_proc_survey("");
    if (!source) GTEST_SKIP() << source.error().message();
    source_ = std::move(*source);
  }

  Survey take(const SurveyRequest& request = {}) {
    auto survey = source_->take(request);
    EXPECT_TRUE(survey) << survey.error().message();
    return survey ? std::move(*survey) : Survey{};
  }

  // What was lost, in words; names aside: a stranger's file may be named beyond all bounds.
  static std::string losses(const Survey& survey) {
    std::string all;
    for (const Loss& loss : survey.losses) {
      if (loss.what != "names") all += loss.what + ": " + loss.why + "; ";
    }
    return all;
  }
  static const Process* process(const Survey& survey, int pid) {
    for (const Process& process : survey.processes) {
      if (process.key.pid == Pid(pid)) return &process;
    }
    return nullptr;
  }
  // In the group's own table.
  static const Descriptor* descriptor(const Survey& survey, int pid, int fd) {
    for (const Descriptor& descriptor : survey.descriptors) {
      if (descriptor.fd == Fd(fd) && descriptor.table == Tid{} &&
          survey.process_of(descriptor).key.pid == Pid(pid)) {
        return &descriptor;
      }
    }
    return nullptr;
  }
  static const Socket* socket(const Survey& survey, int fd, int pid = ::getpid()) {
    const Descriptor* found = descriptor(survey, pid, fd);
    return found == nullptr ? nullptr : survey.socket_of(*found);
  }

  std::unique_ptr<SurveySource> source_;
};

inline std::string name_of_source(const testing::TestParamInfo<Survey::Source>& info) {
  return info.param == Survey::Source::kBpf ? "Bpf" : "Proc";
}

}  // namespace plumb::detect
